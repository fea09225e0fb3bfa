// Who writes an upload is part of its file's name, so that taking it is one rename, which only one process
// wins, and a process that was killed is known by its number and start time.
import { readFileSync } from 'node:fs';

/** Start time of a process in clock ticks since boot; '0' where the system does not tell; undefined when it has ended. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in brackets and may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    if (process.platform === 'linux') return undefined;
  }
  try {
    process.kill(pid, 0);
    return '0';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? '0' : undefined;
  }
}

const own = `${process.pid}-${startOf(process.pid)}`;
const active = new Set<string>();
let count = 0;

/** A name for one upload that this process writes; it counts as alive until `close`. */
export function newOwner(): { readonly tag: string; close(): void } {
  const tag = `${own}-${(count += 1)}`;
  active.add(tag);
  return { tag, close: () => void active.delete(tag) };
}

/** Whether the process (and in this process the upload) of that name still runs. */
export function isAlive(tag: string): boolean {
  const [pid = '', start = ''] = tag.split('-');
  return tag.startsWith(`${own}-`) ? active.has(tag) : startOf(Number(pid)) === start;
}
