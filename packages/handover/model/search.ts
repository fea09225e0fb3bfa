// Exhaustive search: every state that any order of steps can reach, and what must hold in each.
import { moves } from './protocol.ts';
import { type Bounds, type Bug, initial, keyOf, type State } from './state.ts';

export interface Found {
  states: number;
  transitions: number;
  /** The first state that breaks a rule, by the shortest way there; undefined: there is none. */
  violation: { rule: string; trace: string[]; state: State } | undefined;
}

const rules: { rule: string; holds: (state: State) => boolean }[] = [
  {
    rule: 'the events of the work are 1, 2, 3, ...: none lost, none twice',
    holds: ({ events }) => events.every((step, index) => step === index + 1),
  },
  {
    rule: 'a reader has been given the events in order, and nothing else',
    holds: ({ events, read }) =>
      read.length <= events.length && read.every((step, index) => step === events[index]),
  },
  { rule: 'at most one owner acts', holds: ({ trespass }) => !trespass },
  { rule: 'an effect happens once', holds: ({ effects }) => effects <= 1 },
  {
    rule: 'a completed work has its effect and all of its events',
    holds: ({ state, effects, saved, events }) =>
      saved <= events.length && (state !== 'completed' || effects > 0),
  },
];

const progress = 'from every state the work can still be completed';

interface Node {
  state: State;
  parent: number;
  by: string;
}

export function search(bug: Bug, bounds: Bounds): Found {
  const nodes: Node[] = [{ state: initial(bounds), parent: -1, by: 'start' }];
  const seen = new Map([[keyOf(initial(bounds)), 0]]);
  const before: number[][] = [[]];
  let transitions = 0;
  // The list grows while it is walked: that is the breadth-first queue.
  for (const [at, { state }] of nodes.entries()) {
    const broken = rules.find(({ holds }) => !holds(state));
    if (broken)
      return { states: nodes.length, transitions, violation: report(nodes, at, broken.rule) };
    for (const { name, to } of moves(state, bug)) {
      transitions += 1;
      const key = keyOf(to);
      let next = seen.get(key);
      if (next === undefined) {
        next = nodes.push({ state: to, parent: at, by: name }) - 1;
        seen.set(key, next);
        before.push([]);
      }
      before[next]?.push(at);
    }
  }
  const stuck = firstStuck(nodes, before);
  return {
    states: nodes.length,
    transitions,
    violation: stuck === -1 ? undefined : report(nodes, stuck, progress),
  };
}

/** Walks back from every completed state; what is not reached can never complete. */
function firstStuck(nodes: Node[], before: number[][]): number {
  const ahead = new Uint8Array(nodes.length);
  const queue = nodes.flatMap(({ state }, at) => (state.state === 'completed' ? [at] : []));
  for (const at of queue) ahead[at] = 1;
  for (const at of queue)
    for (const parent of before[at] ?? [])
      if (ahead[parent] === 0) {
        ahead[parent] = 1;
        queue.push(parent);
      }
  return ahead.indexOf(0);
}

function report(nodes: Node[], at: number, rule: string): NonNullable<Found['violation']> {
  const trace: string[] = [];
  for (let node = nodes[at]; node && node.parent >= 0; node = nodes[node.parent])
    trace.unshift(node.by);
  return { rule, trace, state: (nodes[at] as Node).state };
}
