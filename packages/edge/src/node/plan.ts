import { EdgeError } from '../errors.ts';
import type { Inventory, NodeEntry } from './inventory.ts';

export const ACTION_NAMES = [
  'take_out',
  'settle',
  'stop',
  'await_exit',
  'verify',
  'start',
  'await_ready',
  'put_back',
] as const;
export type Action = (typeof ACTION_NAMES)[number];

/** One step of a plan: what is done, in words, and how it is undone. */
export interface Step {
  action: Action;
  text: string;
  undo: string;
}

const seconds = (ms: number): string => `${ms / 1_000} s`;

/** An entry that says nothing of how its node is stopped. */
export const cannotStop = ({ server }: NodeEntry): EdgeError =>
  new EdgeError(
    'ERR_EDGE_CONFIG',
    `Node ${server} says nothing of how it is stopped. Give it control, admin, pid or pidFile.`,
    { server },
  );

/** How the node is told to stop, in words. Throws `ERR_EDGE_CONFIG`. */
export function stopText(node: NodeEntry): string {
  const { control, admin, pid, pidFile } = node;
  if (control !== undefined) return `"stop" to the supervisor on ${control}`;
  const signal =
    pid === undefined && pidFile === undefined ? '' : `SIGTERM to pid ${pid ?? `in ${pidFile}`}`;
  if (admin === undefined && signal === '') throw cannotStop(node);
  if (admin === undefined) return signal;
  return `POST /-/shutdown/drain to ${admin}${signal === '' ? '' : `, then ${signal}`}`;
}

/** The steps that take a node out. Nothing is carried out. Throws `ERR_EDGE_CONFIG`. */
export function planDrain(inventory: Inventory, node: NodeEntry): Step[] {
  const { server } = node;
  const { upstream, settle, grace, force, margin, nginx } = inventory;
  const limit = `${seconds(grace)} grace + ${seconds(force)} force + ${seconds(margin)} margin = ${seconds(grace + force + margin)}`;
  return [
    {
      action: 'take_out',
      text: nginx
        ? `mark server ${server} down in upstream ${upstream}, test, reload nginx`
        : `set server ${upstream}/${server} to drain in HAProxy`,
      undo: `lastcall node undrain ${server}`,
    },
    {
      action: 'settle',
      text: nginx
        ? `wait up to ${seconds(settle)} until the old nginx workers have let go`
        : `wait up to ${seconds(settle)} until ${server} has no sessions`,
      undo: `lastcall node undrain ${server}`,
    },
    {
      action: 'stop',
      text: `send ${stopText(node)}`,
      undo: `start the node, then lastcall node undrain ${server}`,
    },
    {
      action: 'await_exit',
      text: `wait ${limit}; only then force`,
      undo: `start the node, then lastcall node undrain ${server}`,
    },
    {
      action: 'verify',
      text: 'read the exit record: lost 0',
      undo: `start the node, then lastcall node undrain ${server}`,
    },
  ];
}

/** What is left of a plan after `done`. An exit is awaited again: only who saw it can tell how it went. */
export const stepsLeft = (steps: readonly Step[], done: readonly Action[]): Step[] =>
  steps.filter(({ action }) => !done.includes(action) || action === 'await_exit');

/** The steps that put a node back. Nothing is carried out. */
export function planUndrain(inventory: Inventory, node: NodeEntry): Step[] {
  const { server, start } = node;
  const { upstream, boot, watch, nginx } = inventory;
  const undo = `lastcall node drain ${server}`;
  const starting: Step[] =
    start === undefined
      ? []
      : [{ action: 'start', text: `unless it answers, run: ${start}`, undo }];
  return [
    ...starting,
    {
      action: 'await_ready',
      text: `wait up to ${seconds(boot)} until ${watch.path} answers 200 ${watch.rise} times in a row`,
      undo,
    },
    {
      action: 'put_back',
      text: nginx
        ? `mark server ${server} up in upstream ${upstream}, test, reload nginx`
        : `set server ${upstream}/${server} to ready in HAProxy`,
      undo,
    },
  ];
}
