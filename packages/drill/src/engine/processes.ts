// Finds and ends every process a target started, even one that left its process group.
import { readFileSync, readdirSync } from 'node:fs';
import { until } from './clock.ts';

/** Set in the environment of each target; a descendant inherits it wherever it moves to. */
export const markName = 'LASTCALL_DRILL_TARGET';

/**
 * Live processes of a target, zombies left out: those that carry its mark, and those of the session
 * that its first process leads, for a program may write over its environment (nginx does).
 */
export function processesOf(leader: number, mark: string): number[] {
  const wanted = `${markName}=${mark}`;
  const found: number[] = [];
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const { state, session } = statOf(entry);
      if (state === 'Z') continue;
      if (session === leader || environmentOf(entry).includes(wanted)) found.push(Number(entry));
    } catch {
      // it ended while we looked, or belongs to someone else
    }
  }
  return found;
}

const environmentOf = (pid: string): string[] =>
  readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');

/** The name stands in brackets and may hold anything; what follows are fields divided by blanks (proc(5)). */
function statOf(pid: string): { state: string | undefined; session: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0], session: Number(fields[3]) };
}

/** False for a process that is gone, or is only waited for (a zombie). */
export function isAlive(pid: number): boolean {
  try {
    return statOf(String(pid)).state !== 'Z';
  } catch {
    return false;
  }
}

/** Sends the signal; false when there is no such process or group (a negative id). */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  if (pid === 0) return false; // to kill(2) that is the drill's own process group
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

export function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ').trim();
  } catch {
    return `process ${pid}`;
  }
}

const live = new Map<number, string>();

/** True once the drill itself is being stopped: its cases go on for a moment, and start what they start. */
let ending = false;

/** Remembers a group to be killed should the drill itself be stopped. */
export function remember(group: number, mark: string): void {
  // Before their folders are removed.
  if (live.size === 0) process.prependOnceListener('exit', killAtExit);
  live.set(group, mark);
  if (ending) sendSignal(-group, 'SIGKILL');
}

/** For a drill that crashes: nothing can be waited for any more. */
function killAtExit(): void {
  for (const [group, mark] of live) killOnce(group, mark);
}

/** Kills the group and all processes that belong to it; gives those that were still there. */
function killOnce(group: number, mark: string): number[] {
  sendSignal(-group, 'SIGKILL');
  const rest = processesOf(group, mark);
  for (const pid of rest) sendSignal(pid, 'SIGKILL');
  return rest;
}

/** Kills the group and all processes that belong to it, and waits until they are gone. */
export async function killAll(group: number, mark: string): Promise<void> {
  const gone = await until(() => (killOnce(group, mark).length === 0 ? true : undefined), 5000, 10);
  if (gone === true) live.delete(group);
  if (live.size === 0) process.off('exit', killAtExit);
}

/** Kills everything that is still remembered. */
export async function killEverything(): Promise<void> {
  await Promise.all([...live].map(([group, mark]) => killAll(group, mark)));
}

/** As `killEverything`, for the drill's own end: nothing lives from then on. */
export async function endEverything(): Promise<void> {
  ending = true;
  await killEverything();
}
