import { isatty } from 'node:tty';
import type { Supervisor } from './supervisor.ts';

/** Two signals closer together than this are one: a Ctrl-C often arrives twice. */
const SAME_SIGNAL_MS = 500;

/** The signals of the supervisor; the reference page lists the same. */
export const SIGNALS = [
  'SIGTERM',
  'SIGINT',
  'SIGQUIT',
  'SIGHUP',
  'SIGUSR1',
  'SIGUSR2',
  'SIGTTIN',
  'SIGTTOU',
  'SIGWINCH',
] as const;

/** Whether one of the standard descriptors is a terminal that is still there. */
const inTerminal = (): boolean => [0, 1, 2].some((fd) => isatty(fd));

/** Takes the supervisor's signals; each handler only queues. Returns how to give them back. */
export function takeSignals(supervisor: Supervisor, upgrade: () => void): () => void {
  let stops = 0;
  let lastMs = -Infinity;
  const stop = (signal: string): void => {
    const now = performance.now();
    if (now - lastMs <= SAME_SIGNAL_MS) return;
    lastMs = now;
    stops += 1;
    if (stops === 1) supervisor.stop('graceful', signal);
    else if (stops === 2) supervisor.stop('quick', `${signal} again`, 4);
    else supervisor.abandon(`${signal} a third time`);
  };
  const { node } = supervisor;
  const begunInTerminal = inTerminal();
  const handlers: Record<(typeof SIGNALS)[number], () => void> = {
    SIGTERM: () => stop('SIGTERM'),
    SIGINT: () => stop('SIGINT'),
    SIGQUIT: () => supervisor.stop('quick', 'SIGQUIT', 4),
    // When its terminal is closed the kernel sends SIGHUP: nobody could stop it with Ctrl-C any more.
    SIGHUP: () => {
      if (begunInTerminal && !inTerminal()) stop('SIGHUP of a closed terminal');
      else void supervisor.reload('SIGHUP');
    },
    SIGUSR1: () => supervisor.reopenLogs(),
    SIGUSR2: upgrade,
    SIGTTIN: () => supervisor.scale(node.target + 1),
    SIGTTOU: () => supervisor.scale(node.target - 1),
    // In a terminal it says that the window has another size.
    SIGWINCH: () => {
      if (!inTerminal()) supervisor.pause();
    },
  };
  const listeners = Object.entries(handlers).map(([signal, handle]) => {
    const listener = (): void => supervisor.post(handle);
    process.on(signal, listener);
    return () => process.off(signal, listener);
  });
  return () => {
    for (const off of listeners) off();
  };
}
