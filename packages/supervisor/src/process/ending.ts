import type { Ending } from '../node/last-stop.ts';
import type { WorkerProcess } from './worker-process.ts';

const LOST = 3;

/**
 * What the end of a worker during a stop makes of the node's exit code. A program may end by the
 * signal that told it to stop, or by a SIGTERM that an init system sends to all processes of a unit;
 * by any other, or with work in its hands, it has not stopped in order.
 */
export function codeOfEnding(
  { code, signal }: Ending,
  { figures, signalled }: WorkerProcess,
  killedByUs: boolean,
): number {
  const held = figures?.inFlight ?? 0;
  const inOrder = signal === 'SIGTERM' || signal === signalled;
  return killedByUs || (signal !== null && (held > 0 || !inOrder)) ? LOST : (code ?? 0);
}
