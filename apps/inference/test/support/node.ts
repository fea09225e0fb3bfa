import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type ServiceProcess, startService } from './service.ts';
import type { DataFolder } from './temp.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../../../', import.meta.url));
const lastcall = `${root}packages/cli/bin/lastcall.js`;

/** The service under the process manager, with two workers. */
export interface ServedNode extends ServiceProcess {
  /** Runs `lastcall VERB` against this node; resolves with what it printed. */
  verb(...words: string[]): Promise<string>;
  /** The process numbers of the workers. */
  workers(): number[];
  /** Resolves when there are so many workers and all of them are ready. */
  untilServing(count: number): Promise<void>;
}

export async function startNode(
  folder: DataFolder,
  env: Record<string, string>,
): Promise<ServedNode> {
  const control = join(folder.path, 'control.sock');
  const config = `${root}apps/inference/lastcall.yaml`;
  const service = await startService(
    { LASTCALL_DATA_DIR: folder.path, LASTCALL_PROVE_MS: '100', HOST: '127.0.0.1', ...env },
    { cwd: root, program: [lastcall, 'serve', '--config', config, '--control', control] },
  );
  const verb = async (...words: string[]): Promise<string> =>
    (await run(process.execPath, [lastcall, ...words, '--control', control])).stdout;
  const { pid = 0 } = service.child;
  return Object.assign(service, {
    verb,
    workers: () =>
      readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
        .split(' ')
        .filter(Boolean)
        .map(Number),
    async untilServing(count: number) {
      // One that retires still answers on the connections it has.
      const others = /\b(starting|proving|retiring)\b/;
      for (;;) {
        const status = await verb('status');
        if (status.match(/\bserving\b/g)?.length === count && !others.test(status)) return;
        await sleep(50);
      }
    },
  });
}
