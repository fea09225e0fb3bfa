import { readdirSync, readFileSync } from 'node:fs';

/** What /proc tells of a process; undefined when it has ended (a zombie has). */
export interface ProcessFacts {
  pid: number;
  parent: number;
  /** Start time in clock ticks since boot: tells a process from a later one with the same pid. */
  birth: string;
  title: string;
}

/** One process, told from a later one with the same number. */
export type Told = Pick<ProcessFacts, 'pid' | 'birth'>;

export const lives = ({ pid, birth }: Told): boolean => processFacts(pid)?.birth === birth;

/** Linux counts birth in hundredths of a second on every architecture that Node.js runs on. */
const TICK_MS = 10;

/** When a process began, in milliseconds since the epoch; by this one, since a container may hide the boot. */
export function bornAt({ birth }: Told): number {
  const own = Number(processFacts(process.pid)?.birth);
  return performance.timeOrigin + (Number(birth) - own) * TICK_MS;
}

export function processFacts(pid: number): ProcessFacts | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    const title = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    return { pid, parent: Number(fields[1]), birth: fields[19] ?? '', title };
  } catch {
    return undefined;
  }
}

export function childrenOf(parent: number): ProcessFacts[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => processFacts(Number(name)) ?? [])
    .filter((facts) => facts.parent === parent);
}
