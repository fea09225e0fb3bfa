// Exhaustive search over the moves of a connection: what must hold in every state, and that each can end.
import { type Moving, type MovingBounds, type MovingBug, start } from './moving-state.ts';
import { movingSteps } from './moving.ts';

export interface MovingFound {
  states: number;
  violation: { rule: string; trace: string[] } | undefined;
}

const rules: { rule: string; holds: (s: Moving) => boolean }[] = [
  {
    rule: 'the client gets 1, 2, 3, ...: none missing, none twice',
    holds: ({ read }) => read.every((number, i) => number === i + 1),
  },
  {
    rule: 'at most one process writes',
    holds: ({ w0, w1 }) => w0.role !== 'writing' || w1.role !== 'writing',
  },
  {
    rule: 'who writes has the connection',
    holds: ({ w0, w1 }) => [w0, w1].every(({ role, holds }) => role !== 'writing' || holds),
  },
];

const progress = 'the client can still get every event, on this connection or the next';

export function searchMoving(bug: MovingBug, bounds: MovingBounds): MovingFound {
  const first = start(bounds);
  const nodes = [{ state: first, parent: -1, by: 'start' }];
  const seen = new Map([[JSON.stringify(first), 0]]);
  const before: number[][] = [[]];
  // The list grows while it is walked: that is the breadth-first queue.
  for (const [at, { state }] of nodes.entries()) {
    const broken = rules.find(({ holds }) => !holds(state));
    if (broken) return { states: nodes.length, violation: trace(nodes, at, broken.rule) };
    for (const { name, to } of movingSteps(state, bug, bounds)) {
      const key = JSON.stringify(to);
      let next = seen.get(key);
      if (next === undefined) {
        next = nodes.push({ state: to, parent: at, by: name }) - 1;
        seen.set(key, next);
        before.push([]);
      }
      // A client that goes of its own accord is no way to help a stream on.
      if (name !== 'the client goes') before[next]!.push(at);
    }
  }
  const done = ({ state }: { state: Moving }): boolean =>
    state.client !== 'connected' || state.read.length === bounds.events;
  const ahead = nodes.map(done);
  const queue = nodes.flatMap((node, at) => (done(node) ? [at] : []));
  for (const at of queue)
    for (const parent of before[at]!)
      if (!ahead[parent]) {
        ahead[parent] = true;
        queue.push(parent);
      }
  const stuck = ahead.indexOf(false);
  return {
    states: nodes.length,
    violation: stuck === -1 ? undefined : trace(nodes, stuck, progress),
  };
}

function trace(
  nodes: { parent: number; by: string }[],
  at: number,
  rule: string,
): NonNullable<MovingFound['violation']> {
  const steps: string[] = [];
  for (let node = nodes[at]; node && node.parent >= 0; node = nodes[node.parent])
    steps.unshift(node.by);
  return { rule, trace: steps };
}
