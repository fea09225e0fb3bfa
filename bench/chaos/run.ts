// npm run chaos -- --seed N --events M: random stops, kills and restarts under a load of tasks and
// streams, and the account of what became of each. Exit code 1 when a promise was broken.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chaos } from './chaos.ts';

const { values } = parseArgs({
  options: { seed: { type: 'string', default: '1' }, events: { type: 'string', default: '50' } },
});
const [seed, events] = [Number(values.seed), Number(values.events)];
if (!Number.isSafeInteger(seed) || !Number.isSafeInteger(events) || events < 1) {
  console.error('Usage: npm run chaos -- --seed N --events M, both whole numbers, M at least 1.');
  process.exit(2);
}
const folder = mkdtempSync(join(tmpdir(), 'lastcall-chaos-'));
try {
  process.exitCode = await chaos({ seed, events, folder, say: console.log });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
