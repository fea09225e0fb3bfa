import { readdirSync, readFileSync } from 'node:fs';

/** What /proc tells of a process; undefined when it has ended (a zombie has). */
export interface ProcessFacts {
  pid: number;
  parent: number;
  /** Start time in clock ticks since boot: tells a process from a later one with the same pid. */
  birth: string;
  title: string;
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
