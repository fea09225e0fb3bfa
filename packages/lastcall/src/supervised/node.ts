import type { NodeControl } from '../endpoints/node.ts';
import { LastcallError } from '../errors.ts';
import { fromWire } from './figures.ts';
import type { Question, Questions } from './protocol.ts';

type AskNode = <Q extends Question>(what: Q, detail?: string) => Promise<Questions[Q]['node']>;

const nodes = new WeakMap<object, NodeControl>();

/**
 * What the endpoints of this lifecycle speak for when a supervisor has started the process: the
 * whole node. `undefined` when there is no supervisor.
 */
export const nodeOf = (lifecycle: object): NodeControl | undefined => nodes.get(lifecycle);

/** Makes the endpoints' questions go to the supervisor, which answers for all workers. */
export function connectNode(lifecycle: object, ask: AskNode): void {
  nodes.set(lifecycle, {
    status: async () => fromWire(await ask('status')),
    begin: async (how, reason) => fromWire(await ask(how, reason)),
    wait: (reason) => ask('wait', reason),
    reset: async () => {
      try {
        return await ask('reset');
      } catch (error) {
        throw new LastcallError('ERR_LASTCALL_STATE', (error as Error).message);
      }
    },
    metrics: () => ask('metrics'),
  });
}
