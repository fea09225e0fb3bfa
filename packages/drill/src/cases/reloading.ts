import { spawn } from 'node:child_process';
import type { Context } from '../engine/context.ts';
import { sendSignal } from '../engine/processes.ts';

/** Asks the server to reload, in the way drill.yaml says. */
export async function reload(ctx: Context): Promise<void> {
  const how = ctx.config.reload;
  const { launch, pid } = ctx.target;
  ctx.timeline.mark('note', 'reload');
  ctx.target.signalledMs ??= performance.now();
  if (how?.signal !== undefined) {
    ctx.check(sendSignal(pid, how.signal), 'a running server', 'it has already ended');
  }
  const [file, ...args] = (how?.command ?? []).map((text) => text.replaceAll('{pid}', String(pid)));
  if (file === undefined) return;
  const child = spawn(file, args, {
    cwd: launch.cwd,
    env: { ...process.env, ...launch.env },
    stdio: 'ignore',
  });
  ctx.cleanup(() => child.kill('SIGKILL')); // one that never ends would hold the drill as well
  const code = await new Promise<number | string>((resolve) => {
    child.once('exit', (exitCode, signal) => {
      resolve(exitCode ?? signal ?? 'unknown');
    });
    child.once('error', (error) => {
      resolve(error.message);
    });
  });
  ctx.check(code === 0, 'the reload command to succeed', `${file}: ${code}`);
}

/** The processes other than the first one: a reload replaces at least one of them. */
export const workers = (ctx: Context): number[] =>
  ctx.target.processes().filter((pid) => pid !== ctx.target.pid);
