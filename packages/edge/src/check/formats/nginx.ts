import { parseDurationMs } from 'lastcall';
import { type Directive, everyDirective, parseNginx } from '../../config/nginx.ts';
import { positionAt } from '../../config/position.ts';
import { type Findings, seconds, type Spot } from '../finding.ts';

/** nginx's own proxy_read_timeout. */
const READ_TIMEOUT_MS = 60_000;

/** LC4xx: an nginx configuration. */
export function checkNginx(text: string, file: string, findings: Findings): void {
  const all = [...everyDirective(parseNginx(text, file))];
  const spotOf = ({ words }: Directive): Spot => ({
    file,
    ...positionAt(text, words[0]?.start ?? 0),
  });
  const named = (name: string): Directive[] => all.filter((directive) => directive.name === name);

  for (const upstream of named('upstream')) checkUpstream(upstream, all, spotOf, findings);
  const next = named('proxy_next_upstream');
  for (const directive of next) {
    const conditions = directive.words.slice(1).map(({ text }) => text);
    if (conditions.includes('off'))
      findings.add('LC402', spotOf(directive), 'proxy_next_upstream is off');
    else if (!conditions.includes('http_503'))
      findings.add(
        'LC403',
        spotOf(directive),
        `proxy_next_upstream ${conditions.join(' ')} passes refusals on`,
      );
  }
  for (const tries of named('proxy_next_upstream_tries'))
    if (tries.words[1]?.text === '1')
      findings.add('LC402', spotOf(tries), 'proxy_next_upstream_tries 1 allows no second server');
  const pass = named('proxy_pass').find((directive) => toUpstream(directive, named('upstream')));
  if (pass && next.length === 0)
    findings.add(
      'LC403',
      spotOf(pass),
      'proxy_next_upstream (the default: error timeout) passes refusals on',
    );
  for (const limit of named('worker_shutdown_timeout')) {
    const ms = spanMs(limit);
    const longestMs = Math.max(
      READ_TIMEOUT_MS,
      ...named('proxy_read_timeout').map((at) => spanMs(at) ?? 0),
    );
    if (ms !== undefined && ms < longestMs)
      findings.add('LC404', spotOf(limit), `Answers are cut ${seconds(ms)} after a reload`, {
        arithmetic: `worker_shutdown_timeout ${seconds(ms)} < proxy_read_timeout ${seconds(longestMs)}`,
      });
  }
}

function checkUpstream(
  upstream: Directive,
  all: readonly Directive[],
  spotOf: (directive: Directive) => Spot,
  findings: Findings,
): void {
  const name = upstream.words[1]?.text ?? '';
  const inside = upstream.block ?? [];
  const servers = inside.filter((directive) => directive.name === 'server');
  const has = (server: Directive, word: string): boolean =>
    server.words.some(({ text }) => text === word);
  const serving = servers.filter((server) => !has(server, 'down') && !has(server, 'backup'));
  if (serving.length === 1)
    findings.add('LC401', spotOf(upstream), `Upstream ${name} has one server in service`);
  for (const server of servers)
    if (has(server, 'max_fails=0'))
      findings.add(
        'LC406',
        spotOf(server),
        `Server ${server.words[1]?.text} of upstream ${name} is never left out`,
      );
  const keepalive = inside.find((directive) => directive.name === 'keepalive');
  const kept =
    all.some(({ name, words }) => name === 'proxy_http_version' && words[1]?.text === '1.1') &&
    all.some(
      ({ name, words }) =>
        name === 'proxy_set_header' &&
        words[1]?.text === 'Connection' &&
        words[2]?.text !== 'close',
    );
  const used = all.some(({ name }) => name === 'proxy_pass');
  if (keepalive && used && !kept)
    findings.add(
      'LC405',
      spotOf(keepalive),
      `Upstream ${name} keeps connections that no request uses`,
    );
}

const toUpstream = (pass: Directive, upstreams: readonly Directive[]): boolean =>
  upstreams.some(({ words }) => pass.words[1]?.text.includes(`//${words[1]?.text}`));

const spanMs = ({ words }: Directive): number | undefined =>
  parseDurationMs(words[1]?.text ?? '', 's');
