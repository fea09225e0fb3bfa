import type { NodeFigures, NodeWait, Resumed } from './protocol.ts';

/** The whole node, as seen from one of its workers: every answer speaks for all of them. */
export interface NodeDoor {
  figures(): Promise<NodeFigures>;
  /** Drains every worker of the node. */
  drain(reason: string): Promise<NodeFigures>;
  /** Undoes a drain on every worker that has not begun to close. */
  resume(): Promise<Resumed>;
  /** Drains every worker and answers when all of their work has ended, or their deadline passed. */
  wait(reason: string): Promise<NodeWait>;
  /** Metrics summed over all workers, those that have gone included. */
  metrics(): Promise<string>;
}

/** What one worker answers for itself when its supervisor asks on behalf of the node. */
export interface LocalOps {
  wait(reason: string): Promise<NodeWait>;
  metrics(): string;
}

const doors = new WeakMap<object, NodeDoor>();
const locals = new WeakMap<object, LocalOps>();

/** The node that this lifecycle is a worker of; `undefined` when the process is not supervised. */
export const nodeOf = (lifecycle: object): NodeDoor | undefined => doors.get(lifecycle);

/** Called by the worker's link. */
export const setNode = (lifecycle: object, door: NodeDoor): void => {
  doors.set(lifecycle, door);
};

/** Called by the endpoints: how this process alone waits, and its own metrics text. */
export const setLocalOps = (lifecycle: object, ops: LocalOps): void => {
  locals.set(lifecycle, ops);
};

export const localOps = (lifecycle: object): LocalOps | undefined => locals.get(lifecycle);
