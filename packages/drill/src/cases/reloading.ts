import { spawn } from 'node:child_process';
import { until } from '../engine/clock.ts';
import type { Context } from '../engine/context.ts';
import { commandOf, sendSignal } from '../engine/processes.ts';

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

/** The processes other than the first one, each with its command, the numbers in it left out. */
export const workers = (ctx: Context): Map<number, string> =>
  new Map(
    ctx.target
      .processes()
      .filter((pid) => pid !== ctx.target.pid)
      .map((pid) => [pid, commandOf(pid).replaceAll(/\d+/g, 'N')]),
  );

/** Waits until new workers have taken the places of these; false when they have not in their time. */
export async function replaced(
  ctx: Context,
  before: ReadonlyMap<number, string>,
): Promise<boolean> {
  const { grace, force, readyWithin } = ctx.config;
  const done = (): boolean => {
    const now = workers(ctx);
    const fresh = [...now].filter(([pid]) => !before.has(pid)).map(([, command]) => command);
    // A helper that lives as long as the first process is no worker: nothing takes its place.
    const old = [...before].filter(([pid, command]) => now.has(pid) && fresh.includes(command));
    return fresh.length > 0 && old.length === 0;
  };
  const limitMs = grace + force + readyWithin;
  return (await until(() => (done() ? true : undefined), limitMs, 100)) === true;
}
