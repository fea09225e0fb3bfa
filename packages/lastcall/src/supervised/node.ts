import { localNode, type NodeControl } from '../endpoints/node.ts';
import { LastcallError } from '../errors.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import { fromWire } from './figures.ts';
import type { Question, Questions } from './protocol.ts';

type AskNode = <Q extends Question>(what: Q, detail?: string) => Promise<Questions[Q]['node']>;

const nodes = new WeakMap<object, NodeControl>();

/** What a question rejects with when the supervisor has gone, before or after it was asked. */
export const ALONE = new Error(
  'The supervisor of this process has gone: the process finishes its work and ends. Start the node again.',
);

/**
 * What the endpoints of this lifecycle speak for when a supervisor has started the process: the
 * whole node. `undefined` when there is no supervisor.
 */
export const nodeOf = (lifecycle: object): NodeControl | undefined => nodes.get(lifecycle);

/**
 * Makes the endpoints' questions go to the supervisor, which answers for all workers. When it has
 * gone, this process answers for itself.
 */
export function connectNode(lifecycle: Lifecycle, ask: AskNode): void {
  const own = localNode(lifecycle);
  nodes.set(lifecycle, {
    status: () => orAlone(ask('status').then(fromWire), () => own.status()),
    begin: (how, reason) => orAlone(ask(how, reason).then(fromWire), () => own.begin(how, reason)),
    wait: (reason) => orAlone(ask('wait', reason), () => own.wait(reason)),
    // Not even alone: undone, its stop would leave a worker that nobody manages.
    reset: () =>
      ask('reset').catch((error: Error) => {
        throw new LastcallError('ERR_LASTCALL_STATE', error.message);
      }),
    metrics: () => orAlone(ask('metrics'), () => own.metrics()),
  });
}

/** The answer of the node, or that of this process when there is nobody left to give it. */
const orAlone = <T>(answer: Promise<T>, own: () => T | Promise<T>): Promise<T> =>
  answer.catch((error: unknown) => {
    if (error !== ALONE) throw error;
    return own();
  });
