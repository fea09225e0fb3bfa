// The reference pages of `lastcall pod check`, made from the rules and the planted faults.
// Run this file to write them: node packages/edge/test/support/pages.ts
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkFiles, RULES, type RuleCode, showFindings } from '@lastcall/edge';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const folder = 'packages/edge/test/manifests/bad';

/** path from the root of the checkout -> text */
export function pages(): Map<string, string> {
  const faults = globSync(`${folder}/*`, { cwd: root }).sort();
  const rules = Object.entries(RULES) as [RuleCode, (typeof RULES)[RuleCode]][];
  const made = new Map<string, string>();
  for (const [code, { name, severity, title, why, fix }] of rules) {
    const file = faults.find((fault) => expected(fault).includes(code));
    if (file === undefined) throw new Error(`${code} has no planted fault`);
    made.set(
      `docs/reference/pod-check/${code}.md`,
      `# ${code} ${name}\n\n**${title}** (${severity})\n\n${why}\n\n## Mend it\n\n${fix}\n\n## Seen on\n\n[${file}](../../../${file}):\n\n\`\`\`\n${shown(file)}\n\`\`\`\n`,
    );
  }
  made.set('docs/reference/pod-check.md', `${INTRODUCTION}\n${index(rules)}`);
  return made;
}

const expected = (fault: string): string[] =>
  /^# expect: (.+)$/m.exec(readFileSync(root + fault, 'utf8'))?.[1]?.split(' ') ?? [];

function shown(file: string): string {
  return showFindings(checkFiles([root + file]), 1).replaceAll(root, '');
}

function index(
  rules: readonly [string, { name: string; severity: string; title: string }][],
): string {
  const rows = rules.map(
    ([code, { severity, title }]) => `| [${code}](pod-check/${code}.md) | ${severity} | ${title} |`,
  );
  return `| rule | severity | finds |\n|---|---|---|\n${rows.join('\n')}\n`;
}

const INTRODUCTION = `# lastcall pod check

\`lastcall pod check FILE...\` does the arithmetic of a stop before a cluster does it: the hook, the grace, the force time and a margin against the time after which the process is killed; probes against the leave time; and whatever keeps the signal from arriving.

It reads Kubernetes manifests and compose files (\`*.yaml\`), systemd units (\`*.service\`), Dockerfiles, nginx (\`*.conf\`) and HAProxy (\`*.cfg\`) configurations. The files of one call are judged together: a disruption budget in one file may name a Deployment in another.

| flag | does |
|---|---|
| \`--fix\` | carries out the fixes that cannot change anything else, and reports what is left |
| \`--json\`, \`--sarif\` | the findings for programs; SARIF 2.1.0 for code scanning |
| \`--strict\` | warnings fail too |
| \`--margin 3s\` | time that the sum must leave unused |
| \`--leave 5s\` | leave time of the services behind a proxy (LC504) |

Of a YAML file all documents are read, those of a \`List\` one by one, aliases and merge keys followed; empty documents and kinds that have nothing to do with stopping are passed over.

Exit code: 0 no error found, 1 an error found (with \`--strict\`: or a warning), 2 a file that cannot be read or parsed; it is told with line and column, and left as it is.

The times of a service are read from its environment (\`GRACEFUL_SHUTDOWN_TIMEOUT\`, \`LASTCALL_FORCE_MS\`, \`LASTCALL_LEAVE_MIN_MS\`, \`LASTCALL_LEAVE_MAX_MS\`), from the flags of uvicorn (\`--timeout-graceful-shutdown\`) and gunicorn (\`--graceful-timeout\`), and for a service that is seen to use the library from its defaults. A time that is not known (another server, a value from a ConfigMap) is not judged.
`;

if (process.argv[1] === fileURLToPath(import.meta.url))
  for (const [path, text] of pages()) {
    mkdirSync(dirname(root + path), { recursive: true });
    writeFileSync(root + path, text);
  }
