import { type Stats, statSync } from 'node:fs';
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

/** What is there belongs to somebody else: another program's socket, or a file. */
export class NoSupervisor extends SupervisorError {}

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
    const reply = parse(line);
    if (!reply) reject(noReply(path, line));
    else if ('line' in reply) onLine(reply.line);
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

/** Undefined for what is no reply: something else may listen there. */
function parse(line: string): ControlReply | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isReply(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isReply(value: unknown): value is ControlReply {
  if (typeof value !== 'object' || value === null) return false;
  const { line, ok, result, message, exitCode } = value as Record<string, unknown>;
  if (ok === false) return typeof message === 'string' && Number.isInteger(exitCode);
  return typeof line === 'string' || (ok === true && result !== undefined);
}

function noReply(path: string, line: string): SupervisorError {
  return new NoSupervisor(
    'ERR_SUPERVISOR_NOT_RUNNING',
    `What answers on ${path} is no supervisor: it said ${JSON.stringify(line.slice(0, 60))}. Name the socket of one with --control PATH.`,
  );
}

function notRunning(path: string, error: NodeJS.ErrnoException): SupervisorError {
  const kind = look(path);
  const why =
    kind === undefined
      ? 'there is no such socket'
      : kind && !kind.isSocket()
        ? 'that is no socket'
        : error.code === 'ECONNREFUSED'
          ? 'the supervisor that made it has gone'
          : error.message;
  const Kind = kind && !kind.isSocket() ? NoSupervisor : SupervisorError;
  return new Kind(
    'ERR_SUPERVISOR_NOT_RUNNING',
    `No supervisor answers on ${path}: ${why}. Start one with lastcall serve, or name its socket with --control PATH.`,
    { cause: error },
  );
}

/** Undefined where there is nothing, null where nobody may look. */
function look(path: string): Stats | null | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return null;
  }
}
