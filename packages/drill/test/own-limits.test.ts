// What the drill's own machine does not give is not the server's doing.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

const bin = new URL('../../cli/bin/lastcall.js', import.meta.url).pathname;

/** Serves until the signal and for a second after it. */
const server = `require('http').createServer((q, s) => s.end('hello'))
  .listen(process.env.PORT, '127.0.0.1');
  process.on('SIGTERM', () => setTimeout(() => process.exit(0), 1000));`;

test('a drill that has no descriptor left for its clients accuses nobody', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'drill-limits-'));
  t.after(() => {
    rmSync(folder, { recursive: true });
  });
  const config = { command: [process.execPath, '-e', server], routes: { fast: '/' } };
  writeFileSync(join(folder, 'drill.yaml'), JSON.stringify(config));
  const only = 'http1/first-request,connections/connect-burst,connections/accept-queue';
  const drill = `exec "${process.execPath}" "${bin}" drill --clients 200 --concurrency 1 --only ${only}`;
  // It ends with 1: where no case applies nothing was asked.
  await assert.rejects(
    promisify(execFile)('sh', ['-c', `ulimit -n 120 && ${drill}`], { cwd: folder }),
    (ended: { code: number; stdout: string; stderr: string }) => {
      assert.deepEqual([ended.code, ended.stderr], [1, '']);
      assert.equal(
        ended.stdout.match(/n\/a .*\n +this machine .* EMFILE/g)?.length,
        3,
        ended.stdout,
      );
      return true;
    },
  );
});
