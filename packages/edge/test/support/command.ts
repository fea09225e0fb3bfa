import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const CLI = fileURLToPath(new URL('../../../cli/bin/lastcall.js', import.meta.url));

export interface Ended {
  code: number | null;
  out: string;
  err: string;
}

/** `lastcall ...` as a process; killed with no warning as soon as it has printed `until`. */
export async function lastcall(
  words: string[],
  until?: string,
  onText: (child: ChildProcess, out: string) => void = () => {},
): Promise<Ended> {
  const child = spawn(process.execPath, [CLI, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended: Ended = { code: null, out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    ended.out += text;
    onText(child, text);
    if (until !== undefined && ended.out.includes(until)) child.kill('SIGKILL');
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    ended.err += text;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { ...ended, code };
}
