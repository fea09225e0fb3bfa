import { statSync } from 'node:fs';
import { connect } from 'node:net';
import { SupervisorError } from '../errors.ts';
import type { ControlReply, ControlRequest } from './protocol.ts';

/** A command that the supervisor refused, or that failed there. */
export class CommandFailed extends SupervisorError {
  override readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super('ERR_SUPERVISOR_CONTROL', message);
    this.exitCode = exitCode;
  }
}

/**
 * Sends one command to the supervisor behind the control socket and returns its result. Throws
 * `ERR_SUPERVISOR_NOT_RUNNING` when nobody answers, `CommandFailed` with what it says otherwise.
 * `enough` ends the wait with no result; what the command began goes on.
 */
export function send(
  path: string,
  request: ControlRequest,
  onLine: (line: string) => void = () => undefined,
  enough?: AbortSignal,
): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const socket = connect(path);
  let text = '';
  const take = (line: string): void => {
    const reply = JSON.parse(line) as ControlReply;
    if ('line' in reply) onLine(reply.line);
    else if (reply.ok) resolve(reply.result);
    else reject(new CommandFailed(reply.message, reply.exitCode));
  };
  socket.once('connect', () => socket.write(`${JSON.stringify(request)}\n`));
  socket.once('error', (error: NodeJS.ErrnoException) => reject(notRunning(path, error)));
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) take(line);
  });
  enough?.addEventListener('abort', () => resolve(undefined), { once: true });
  socket.once('close', () =>
    reject(
      new SupervisorError('ERR_SUPERVISOR_CONTROL', 'The supervisor ended before it answered.'),
    ),
  );
  return promise.finally(() => socket.destroy());
}

function notRunning(path: string, error: NodeJS.ErrnoException): SupervisorError {
  const kind = statSync(path, { throwIfNoEntry: false });
  const why =
    kind === undefined
      ? 'there is no such socket'
      : !kind.isSocket()
        ? 'that is no socket'
        : error.code === 'ECONNREFUSED'
          ? 'the supervisor that made it has gone'
          : error.message;
  return new SupervisorError(
    'ERR_SUPERVISOR_NOT_RUNNING',
    `No supervisor answers on ${path}: ${why}. Start one with lastcall serve, or name its socket with --control PATH.`,
    { cause: error },
  );
}
