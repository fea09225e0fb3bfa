import { spawn } from 'node:child_process';

/**
 * Tells systemd what the service does (sd_notify). Node cannot send on a datagram unix socket, so
 * systemd's own small program does; the unit needs NotifyAccess=all. Does nothing elsewhere.
 */
export function notifySystemd(fields: Record<string, string | number>): Promise<void> {
  if (!process.env.NOTIFY_SOCKET) return Promise.resolve();
  const assignments = Object.entries(fields).map(([name, value]) => `${name}=${value}`);
  const child = spawn('systemd-notify', [`--pid=${process.pid}`, ...assignments], {
    stdio: 'ignore',
  });
  return new Promise((resolve) => {
    // A machine without the program has no systemd that waits.
    child.once('error', () => resolve()).once('close', () => resolve());
  });
}

const EXTEND_EVERY_MS = 5_000;
const EXTEND_BY_US = 15_000_000;

/** Says that the service stops, and goes on asking for time until the returned function is called. */
export function notifyStopping(status: () => string): () => void {
  if (!process.env.NOTIFY_SOCKET) return () => undefined;
  const extend = (): void =>
    void notifySystemd({ STOPPING: 1, EXTEND_TIMEOUT_USEC: EXTEND_BY_US, STATUS: status() });
  extend();
  const timer = setInterval(extend, EXTEND_EVERY_MS);
  return () => clearInterval(timer);
}
