// Many reloads of a node with open connections: does it grow?
import { readdirSync, readFileSync } from 'node:fs';
import type { Told } from './crowd-process.ts';
import { Crowd } from './crowd.ts';
import { type MovingNode, quiet, startNode } from './node.ts';
import { say, type Size } from './reloads.ts';

const MIB = 1024 * 1024;

export interface Reading {
  reloads: number;
  supervisor: { rssMib: number; descriptors: number; heapMib: number; timers: number };
  /** Both workers together. */
  workers: { rssMib: number; descriptors: number };
}

export interface EnduranceRun extends Size {
  /** Ten of them, the first after a tenth of the reloads. */
  readings: Reading[];
  told: Told;
}

export async function enduranceRun(size: Size): Promise<EnduranceRun> {
  const { streams, sockets, reloads } = size;
  await using node = await startNode('app.ts', { flags: ['--prove-ms', '0'] });
  const crowd = await Crowd.open({ port: node.port, streams, sockets, resume: false });
  const tenth = Math.max(1, Math.floor(reloads / 10));
  const readings: Reading[] = [];
  try {
    for (let i = 1; i <= reloads; i += 1) {
      await node.reload();
      await quiet(node);
      if (i % tenth !== 0) continue;
      readings.push(await read(node, i));
      say(`endurance: reload ${i} of ${reloads}`);
    }
    return { ...size, readings, told: await crowd.told() };
  } finally {
    await crowd.end();
  }
}

async function read(node: MovingNode, reloads: number): Promise<Reading> {
  const { pid, supervisor, workers } = await node.status();
  const own = processOf(pid);
  const theirs = workers.map((worker) => processOf(worker.pid));
  return {
    reloads,
    supervisor: {
      ...own,
      heapMib: supervisor.heap_used_bytes / MIB,
      timers: supervisor.timers,
    },
    workers: {
      rssMib: theirs.reduce((sum, { rssMib }) => sum + rssMib, 0),
      descriptors: theirs.reduce((sum, { descriptors }) => sum + descriptors, 0),
    },
  };
}

function processOf(pid: number): { rssMib: number; descriptors: number } {
  const kib = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  return { rssMib: kib / 1_024, descriptors: readdirSync(`/proc/${pid}/fd`).length };
}
