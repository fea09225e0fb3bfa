// node:cluster as its documentation shows it: on SIGHUP each worker is replaced, the old one disconnects.
import cluster, { type Worker } from 'node:cluster';
import http from 'node:http';
import { handle } from './handler.ts';

const WORKERS = 2;

function fork(): Promise<Worker> {
  const worker = cluster.fork();
  return new Promise((resolve) => {
    worker.once('listening', () => resolve(worker));
  });
}

if (cluster.isPrimary) {
  let workers = await Promise.all(Array.from({ length: WORKERS }, fork));
  console.log('ready');
  process.on('SIGHUP', () => {
    void (async () => {
      const next: Worker[] = [];
      for (const old of workers) {
        next.push(await fork());
        old.disconnect();
      }
      workers = next;
      console.log('reloaded');
    })();
  });
} else
  http
    .createServer((request, response) => void handle(request, response))
    .listen(Number(process.env.PORT), '127.0.0.1');
