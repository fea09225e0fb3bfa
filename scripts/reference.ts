// Writes the reference pages that are made from the code: `node scripts/reference.ts`.
// A test compares the pages with what this makes, so they cannot drift apart.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ERRORS, OPTIONS } from 'lastcall';
import { STAYS } from 'lastcall/moving';

const FOLDER = fileURLToPath(new URL('../docs/reference/', import.meta.url));

const shown = (value: unknown): string =>
  value === undefined ? 'none' : `\`${typeof value === 'number' ? value : JSON.stringify(value)}\``;

function optionsPage(): string {
  const rows = Object.entries(OPTIONS).map(
    ([name, { type, default: value, env, doc, choices }]) =>
      `| \`${name}\` | ${choices ? choices.map((choice) => `\`${choice}\``).join(' or ') : type} | ${shown(value)} | ${env ? `\`${env}\`` : 'no'} | ${doc} |`,
  );
  return `# Options of \`createLifecycle\`

Made from the code by \`scripts/reference.ts\`; do not edit. Durations are milliseconds in code; in the environment \`30s\`, \`5m\` and \`250ms\` are understood, and a plain number is milliseconds unless said otherwise. The environment wins over code, so that an operator can change a deployed service. Wrong values, options that do not exist and times that do not add up are refused when the lifecycle is made, with a [coded error](errors.md).

| option | type | default | environment | meaning |
|---|---|---|---|---|
${rows.join('\n')}

## The sums that are checked

- \`graceMs + forceMs < killAfterMs\`, when \`killAfterMs\` is given: the process must have ended before the orchestrator kills it.
- \`leaveMinMs <= leaveMaxMs\`, and \`leaveMinMs < graceMs\`: leaving is part of the grace time.
- No duration, and no sum of them, above 2147483647 ms, the longest timer.
`;
}

function errorsPage(): string {
  const rows = Object.entries(ERRORS).map(
    ([code, meaning]) => `| <a id="${code.toLowerCase()}"></a>\`${code}\` | ${meaning} |`,
  );
  return `# Errors

Made from the code by \`scripts/reference.ts\`; do not edit. Every error of the library is a \`LastcallError\` with a stable \`code\`; its message says what was expected, what came and what to do, and \`facts\` holds the values. The reason of an aborted \`lease.signal\` is one of them too.

| code | meaning |
|---|---|
${rows.join('\n')}
`;
}

function metricsPage(): string {
  const template = readFileSync(new URL('reference/metrics.md', import.meta.url), 'utf8');
  const rows = Object.entries(STAYS).map(([reason, meaning]) => `| \`${reason}\` | ${meaning} |`);
  return template.replace('{{stayed}}', rows.join('\n'));
}

/** Every page that is made from the code, by file name. */
export const PAGES: Record<string, () => string> = {
  'options.md': optionsPage,
  'errors.md': errorsPage,
  'metrics.md': metricsPage,
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(FOLDER, { recursive: true });
  for (const [file, page] of Object.entries(PAGES)) writeFileSync(FOLDER + file, page());
}
