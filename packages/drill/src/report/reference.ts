// docs/reference/drill.md: every case, written from the cases themselves.
import { type DrillCase, areas } from '../case.ts';

const about: Readonly<Record<string, string>> = {
  http1: 'HTTP/1 on a connection: races, pipelining, halves, uploads, slow readers, large answers.',
  connections: 'Connections as such: idle, silent, slow, new ones, and those in the accept queue.',
  http2: 'HTTP/2 with prior knowledge, on the port `ports.h2`.',
  sse: 'Long answers: server-sent events.',
  websocket: 'WebSockets.',
  grpc: 'gRPC, on the port `ports.grpc`.',
  signals: 'Signals: which, how often, when, to whom.',
  probes: 'What the probes say, and when.',
  hooks: 'The preStop hooks and the operator’s calls.',
  deadlines: 'The deadline: not before it, and not after it.',
  exit: 'How the process ends.',
  reload: 'A reload under load, in the way `reload` says.',
  jobs: 'Jobs that are submitted and counted.',
  admin: 'Who may drain the server.',
};

/** The section with the cases, from its heading to the end of the file. */
export function referenceOfCases(cases: readonly DrillCase[]): string {
  const must = cases.filter((one) => one.level === 'MUST').length;
  const lines = [
    '## The cases',
    '',
    `${cases.length} cases: ${must} MUST, ${cases.length - must} SHOULD. ` +
      'This section is written by `lastcall drill --list --markdown`; a test holds it to the cases.',
  ];
  for (const area of areas) {
    lines.push('', `### ${area}`, '', about[area] ?? '', '');
    lines.push(
      '| case | level | the server is held to | source | needs |',
      '|---|---|---|---|---|',
    );
    for (const one of cases.filter(({ slug }) => slug.startsWith(`${area}/`))) {
      const marks = `${one.load === true ? ' (load)' : ''}${one.informational === true ? ' (measures only)' : ''}`;
      const needs = one.needs.map((need) => `\`${need}\``).join(' ') || '-';
      lines.push(
        `| \`${one.slug}\` | ${one.level}${marks} | ${one.sentence} | ${one.source} | ${needs} |`,
      );
    }
  }
  return `${lines.join('\n')}\n`;
}
