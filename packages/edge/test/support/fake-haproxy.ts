import { writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { Desk, type EdgeError, readInventory } from '@lastcall/edge';
import { stringify } from 'yaml';
import { folder } from './place.ts';

export interface Runtime {
  dir: string;
  inventory: string;
  /** Servers that are out. */
  out: Set<string>;
  /** Every command that was carried out. */
  commands: string[];
  /** The commands that are neither carried out nor answered. */
  mute: (command: string) => boolean;
  desk(lines?: string[]): Desk;
}

/** A runtime socket that keeps what it is told of the servers a and b, and fails where a test says so. */
export async function fakeHaproxy(
  t: { after(end: () => unknown): void },
  node: Record<string, unknown>,
): Promise<Runtime> {
  const dir = folder(t);
  const socket = join(dir, 'admin.sock');
  const inventory = join(dir, 'edge.yaml');
  const described = {
    upstream: 'app',
    haproxy: { socket },
    stateDir: 'state',
    settle: '1s',
    grace: '5s',
    force: '1s',
    margin: '5s',
    boot: '2s',
    watch: { every: '50ms', timeout: '2s', rise: 2, fall: 2 },
    nodes: [{ server: 'a', ...node }],
  };
  writeFileSync(inventory, stringify(described));
  const runtime: Runtime = {
    dir,
    inventory,
    out: new Set(),
    commands: [],
    mute: () => false,
    desk: (lines = []) =>
      new Desk(readInventory(inventory), { progress: (line) => lines.push(line) }),
  };
  const { out, commands } = runtime;
  const names = ['a', 'b'];
  const answer = (command: string): string => {
    commands.push(command);
    const [, name = '', state] = /^set server app\/(\w) state (\w+)$/.exec(command) ?? [];
    if (state === 'ready') out.delete(name);
    else if (state !== undefined) out.add(name);
    if (command === 'show stat')
      return `# pxname,svname,status,weight,scur,qcur\n${names.map((n) => `app,${n},${out.has(n) ? 'DRAIN' : 'UP'},1,0,0\n`).join('')}`;
    if (command === 'show servers state app')
      return `1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state\n${names.map((n, i) => `1 app ${i + 1} ${n} 127.0.0.1 2 ${out.has(n) ? 8 : 0}\n`).join('')}`;
    return '\n';
  };
  const server = net.createServer({ allowHalfOpen: true }, (client) => {
    client.on('error', () => {});
    client.once('data', (line) => {
      const command = line.toString().trim();
      if (runtime.mute(command)) client.destroy();
      else client.end(answer(command));
    });
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  t.after(() => server.close());
  return runtime;
}

export const code =
  (wanted: string, message = /./) =>
  (error: unknown): boolean =>
    (error as EdgeError).code === wanted && message.test((error as Error).message);

/** What a controller that was killed leaves behind. */
export const LEFT = {
  server: 'a',
  verb: 'drain' as const,
  done: [],
  state: 'running' as const,
  // No process has this number and birth.
  pid: 1,
  birth: 'none',
  startedAt: '',
  updatedAt: '',
  error: undefined,
  logFrom: 0,
  takenOver: undefined,
};
