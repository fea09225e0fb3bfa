// What the test services on this library share: a lifecycle, and the ways in which it can be made to misbehave.
// oxlint-disable-next-line no-restricted-imports -- a test subject, not a part of the drill
import { createLifecycle, type Lifecycle } from 'lastcall';

/** The grace and the token come from the environment that drill.yaml gives. */
export function prepare(): Lifecycle {
  const lifecycle = createLifecycle({ leaveMaxMs: 0 });
  if (process.env['HANG_HOOK'] !== undefined)
    lifecycle.onClose('hung', () => new Promise(() => {}));
  if (process.env['FAIL_HOOK'] !== undefined) {
    lifecycle.onClose('failing', () => Promise.reject(new Error('the hook failed')));
  }
  lifecycle.onFlush('log', () => {
    process.stdout.write('stopped, nothing lost\n');
  });
  lifecycle.handleSignals();
  return lifecycle;
}

export const port = Number(process.env['PORT']);
export const host = '127.0.0.1';

/** After the time that a slow start takes. */
export function later(listen: () => unknown): void {
  setTimeout(listen, Number(process.env['SLOW_START_MS'] ?? 0));
}
