import { parseDurationMs } from 'lastcall';
import { type Line, parseHaproxy, type Section } from '../../config/haproxy.ts';
import { type Findings, seconds, type Spot } from '../finding.ts';

const DEFAULT_INTER_MS = 2_000;
const DEFAULT_FALL = 3;

/** LC5xx: an HAProxy configuration. */
export function checkHaproxy(text: string, file: string, findings: Findings): void {
  const sections = parseHaproxy(text, file);
  const lines = sections.flatMap((section) => section.lines);
  const spotOf = ({ position }: { position: Line['position'] }): Spot => ({ file, ...position });
  const globals = sections.find(({ kind }) => kind === 'global');
  const socket = globals?.lines.some(
    ({ words }) =>
      words[0] === 'stats' && words[1] === 'socket' && /\blevel admin\b/.test(words.join(' ')),
  );
  if (globals && !socket)
    findings.add('LC507', spotOf(globals), 'The runtime socket is missing, or may only be read');
  const hard = globals?.lines.find(({ words }) => words[0] === 'hard-stop-after');
  const hardMs = hard && parseDurationMs(hard.words[1] ?? '');
  const serverMs = Math.max(
    0,
    ...lines
      .filter(({ words }) => words[0] === 'timeout' && words[1] === 'server')
      .map(({ words }) => parseDurationMs(words[2] ?? '') ?? 0),
  );
  if (hard && hardMs !== undefined && hardMs < serverMs)
    findings.add('LC503', spotOf(hard), `Sessions are cut ${seconds(hardMs)} after a reload`, {
      arithmetic: `hard-stop-after ${seconds(hardMs)} < timeout server ${seconds(serverMs)}`,
    });
  const defaults = sections.filter(({ kind }) => kind === 'defaults').flatMap(({ lines }) => lines);
  for (const section of sections)
    if (section.kind === 'backend' || section.kind === 'listen')
      checkBackend(section, defaults, spotOf, findings);
}

function checkBackend(
  section: Section,
  defaults: readonly Line[],
  spotOf: (at: { position: Line['position'] }) => Spot,
  findings: Findings,
): void {
  const lines = [...defaults, ...section.lines];
  const servers = section.lines.filter(({ words }) => words[0] === 'server');
  if (servers.length === 0) return;
  const base = lines
    .filter(({ words }) => words[0] === 'default-server')
    .flatMap(({ words }) => words);
  const [first] = servers;
  if (servers.length === 1)
    findings.add('LC401', spotOf(section), `Backend ${section.name} has one server in service`);
  let slowest: { line: Line; ms: number; arithmetic: string } | undefined;
  for (const server of servers) {
    const words = [...base, ...server.words.slice(3)];
    const name = `${section.name}/${server.words[1]}`;
    if (!words.includes('check'))
      findings.add('LC501', spotOf(server), `Server ${name} has no check`);
    if (words.join(' ').includes('on-marked-down shutdown-sessions'))
      findings.add(
        'LC505',
        spotOf(server),
        `Sessions of server ${name} are cut when it is marked down`,
      );
    const interMs = parseDurationMs(after(words, 'inter') ?? '') ?? DEFAULT_INTER_MS;
    const fall = Number(after(words, 'fall') ?? DEFAULT_FALL);
    const ms = interMs * fall;
    if (words.includes('check') && ms > (slowest?.ms ?? 0))
      slowest = {
        line: server,
        ms,
        arithmetic: `inter ${seconds(interMs)} x fall ${fall} = ${seconds(ms)}`,
      };
  }
  const { leaveMs } = findings.options;
  if (slowest && slowest.ms > leaveMs)
    findings.add('LC504', spotOf(slowest.line), `A drain is noticed after ${seconds(slowest.ms)}`, {
      arithmetic: `${slowest.arithmetic} > leave time ${seconds(leaveMs)}`,
    });
  const redispatch = lines.some(({ words }) => words[0] === 'option' && words[1] === 'redispatch');
  const retries = lines.findLast(({ words }) => words[0] === 'retries');
  if (first && (!redispatch || retries?.words[1] === '0'))
    findings.add(
      'LC502',
      spotOf(retries ?? section),
      `Backend ${section.name} does not send a failed request to another server`,
    );
  for (const line of section.lines) {
    const text = line.words.join(' ');
    if (
      /^(option httpchk|http-check send)\b/.test(text) &&
      /\s\/(health|healthz|v1\/health|livez)(\s|$)/.test(text)
    )
      findings.add('LC506', spotOf(line), `Backend ${section.name} asks for liveness: ${text}`);
  }
}

const after = (words: readonly string[], name: string): string | undefined => {
  const at = words.lastIndexOf(name);
  return at === -1 ? undefined : words[at + 1];
};
