import { type AddressInfo, isIPv6 } from 'node:net';

/** The address under which this machine reaches the service. */
export function baseUrl({ address, port }: Pick<AddressInfo, 'address' | 'port'>): string {
  const host = { '0.0.0.0': '127.0.0.1', '::': '::1' }[address] ?? address;
  return `http://${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

const json = `-H 'content-type: application/json'`;

const RELOAD = `
  # replace every worker while the stream runs; look at the node
  npx lastcall reload
  npx lastcall status
`;

/** Where the supervisor's console is, when it has one at an address that is known. */
export function consoleUrl(admin: string | undefined): string | undefined {
  const [, address, port] = /^\[?(.*?)\]?:(\d+)$/.exec(admin ?? '') ?? [];
  if (address === undefined || Number(port) === 0) return undefined;
  return `${baseUrl({ address, port: Number(port) })}/`;
}

/** What the service prints when it is ready: where it is, with its console, and what to try next. */
export function greeting(
  url: string,
  seconds: string,
  supervised: boolean,
  console: string | undefined,
): string {
  return `
Ready after ${seconds} s: ${url}

  Page      ${url}/
${console === undefined ? '' : `  Console   ${console}\n`}  Health    ${url}/v1/health
  Metrics   ${url}/metrics

Try, in another terminal:

  # watch a stream, token by token
  curl -N ${url}/v1/responses ${json} -d '{"input":"When the server","min_output_tokens":200,"stream":true}'

  # one that goes on without you: read it, from any event (&starting_after=N) and any worker
  id=$(curl -s ${url}/v1/responses ${json} -d '{"input":"The harbour","min_output_tokens":200,"background":true}' | grep -o 'resp_[0-9a-f]*')
  curl -N "${url}/v1/responses/$id?stream=true"
  curl -X POST ${url}/v1/responses/$id/cancel

  # an expensive call; stop the service meanwhile and the answer is where its result will be
  curl -i ${url}/v1/predict ${json} -d '{"input":"The harbour","min_output_tokens":200}'

  # queue a task, then look at the queue
  curl -i ${url}/v1/tasks ${json} -d '{"input":"The harbour","min_output_tokens":200}'
  curl ${url}/v1/tasks

  # drain: new work is refused, the stream goes on; then take it back
  curl -X POST ${url}/-/shutdown/drain
  curl -X POST ${url}/shutdown/reset
${supervised ? RELOAD : ''}
Press Ctrl-C while a stream runs: it is finished before the service goes.
`;
}

interface ListenError extends NodeJS.ErrnoException {
  readonly address?: string;
  readonly port?: number;
}

const reasons: Record<string, string> = {
  EADDRINUSE: 'another process listens there',
  EACCES: 'this account may not listen there',
  EADDRNOTAVAIL: 'this machine does not have that address',
  ENOTFOUND: 'no such host name',
};

/** `undefined` when the error is not about listening. */
export function listenProblem(
  error: unknown,
  { host, port }: { host: string; port: number },
): string | undefined {
  const { code = '', syscall } = error as ListenError;
  const reason = reasons[code];
  if (!reason || (syscall !== 'listen' && syscall !== 'bind' && syscall !== 'getaddrinfo'))
    return undefined;
  return `Cannot listen on ${host}:${port} (HOST, PORT): expected a free address, got ${code}: ${reason}.
Stop the other process (ss -ltnp 'sport = :${port}' names it) or choose another address: PORT=${port === 65_535 ? port - 1 : port + 1} npm start`;
}
