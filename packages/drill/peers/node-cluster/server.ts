import cluster, { type Worker } from 'node:cluster';
import http from 'node:http';
import { app } from '../common/app.ts';

if (cluster.isPrimary) {
  const start = (): Promise<void> =>
    new Promise((resolve) => {
      cluster.fork().once('listening', () => resolve());
    });
  // As in the documentation of worker.disconnect(): a kill for the worker that does not end.
  const retire = (worker: Worker | undefined): void => {
    if (worker?.isConnected() !== true) return;
    worker.send('stopping');
    worker.disconnect();
    setTimeout(() => worker.process.kill('SIGKILL'), 4000).unref();
  };
  const all = (): (Worker | undefined)[] => Object.values(cluster.workers ?? {});
  process.on('SIGHUP', () => {
    const old = all();
    void Promise.all([start(), start()]).then(() => old.forEach(retire));
  });
  // No exit here: the callback of cluster.disconnect() comes before the workers have ended.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      all().forEach(retire);
    });
  }
  void start();
  void start();
} else {
  // A signal to the whole process group is the primary's to act on.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});
  let stopping = false;
  process.on('message', () => {
    stopping = true;
  });
  http
    .createServer(app({ isReady: () => !stopping }))
    .listen(Number(process.env['PORT']), '127.0.0.1');
}
