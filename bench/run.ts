// npm run bench [-- NAME [FLAGS]]: runs one bench; `--list` names them. Without a name: core.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const BENCHES: Record<string, { file: string; about: string }> = {
  core: { file: 'core.ts', about: 'what the library costs, beside others' },
  adapters: { file: 'adapters.ts', about: 'each framework with and without its adapter' },
  sockets: { file: 'sockets.ts', about: '10,000 WebSockets and event streams drain' },
  supervisor: { file: 'supervisor/run.ts', about: 'reloads under load, beside other managers' },
  moving: { file: 'moving.ts', about: 'open connections move to new workers; kills meanwhile' },
  handover: { file: 'handover.ts', about: 'events appended, gaps of a handover' },
  estimates: { file: 'estimates.ts', about: 'estimates against what happened' },
  console: { file: 'console.ts', about: 'the page with 50 workers and 10,000 leases' },
  edge: { file: 'edge.ts', about: 'whole rolls of a cluster behind real proxies' },
  planner: { file: 'planner.ts', about: 'the simulation against real rollouts' },
};

const [name = 'core', ...flags] = process.argv.slice(2);
const chosen = name.startsWith('--') && name !== '--list' ? 'core' : name;
const bench = BENCHES[chosen];
if (!bench) {
  const list = Object.entries(BENCHES).map(([key, { about }]) => `  ${key.padEnd(12)}${about}`);
  process.stdout.write(`npm run bench -- NAME [FLAGS]\n\n${list.join('\n')}\n`);
  process.exit(name === '--list' ? 0 : 2);
}
const file = fileURLToPath(new URL(bench.file, import.meta.url));
const passed = chosen === name ? flags : [name, ...flags];
const { status } = spawnSync(process.execPath, [file, ...passed], { stdio: 'inherit' });
process.exit(status ?? 1);
