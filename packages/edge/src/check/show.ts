import type { Finding } from './finding.ts';
import { RULES, type RuleCode } from './rules/index.ts';

/** Findings for people. */
export function showFindings(findings: readonly Finding[], files: number): string {
  const blocks = findings.map(
    ({ file, line, column, severity, rule, message, arithmetic, fix, edit }) =>
      [
        `${file}:${line}:${column}: ${severity} ${rule} (${RULES[rule].name}): ${message}`,
        ...(arithmetic === undefined ? [] : [`    ${arithmetic}`]),
        `    ${fix}${edit ? ' (--fix does this)' : ''}`,
      ].join('\n'),
  );
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  const summary = `${files} file${files === 1 ? '' : 's'}: ${errors} error${errors === 1 ? '' : 's'}, ${findings.length - errors} warning${findings.length - errors === 1 ? '' : 's'}`;
  return [...blocks, summary].join('\n');
}

/** Findings as SARIF 2.1.0. */
export function toSarif(findings: readonly Finding[], version: string): Record<string, unknown> {
  const used = [...new Set(findings.map(({ rule }) => rule))].sort();
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'lastcall pod check',
            version,
            rules: used.map((code) => ({
              id: code,
              name: RULES[code].name,
              shortDescription: { text: RULES[code].title },
              fullDescription: { text: RULES[code].why },
              help: { text: RULES[code].fix },
              defaultConfiguration: { level: RULES[code].severity },
            })),
          },
        },
        results: findings.map((finding) => toResult(finding, used)),
      },
    ],
  };
}

function toResult(
  { rule, severity, file, line, column, message, arithmetic, fix }: Finding,
  used: readonly RuleCode[],
): Record<string, unknown> {
  return {
    ruleId: rule,
    ruleIndex: used.indexOf(rule),
    level: severity,
    message: {
      text: [message, arithmetic, fix]
        .filter((part) => part !== undefined)
        .join('. ')
        .replaceAll('..', '.'),
    },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: file.split('/').map(encodeURIComponent).join('/') },
          region: { startLine: line, startColumn: column },
        },
      },
    ],
  };
}
