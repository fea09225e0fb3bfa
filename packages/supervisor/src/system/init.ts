import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MARK = 'LASTCALL_INIT';

/**
 * Process 1 of a container must reap orphans, and Node reaps only its own children. So a shell
 * becomes process 1: it starts this same command below itself, reaps whatever ends, passes signals
 * on to the supervisor (to its successor after an upgrade), and ends with its exit code.
 */
const SCRIPT = `
state=$${MARK}
for signal in TERM INT QUIT HUP USR1 USR2 TTIN TTOU WINCH; do
  trap 'kill -s '$signal' "$(cat "$state/pid")" 2>/dev/null' $signal
done
"$@" & first=$!
echo $first > "$state/pid"
while wait $first; code=$?; kill -0 $first 2>/dev/null; do :; done
current=$(cat "$state/pid")
while [ "$current" != "$first" ] && kill -0 "$current" 2>/dev/null; do
  sleep 0.2 & wait $!
  current=$(cat "$state/pid")
done
[ -f "$state/code" ] && code=$(cat "$state/code")
rm -rf "$state"
exit $code
`;

/** Turns this process into the reaper when it is process 1; returns when it is not. */
export function becomeInit(): void {
  if (process.pid !== 1 || process.env[MARK] !== undefined) return;
  const state = mkdtempSync(join(tmpdir(), 'lastcall-init-'));
  const args = [
    'sh',
    '-c',
    SCRIPT,
    'sh',
    process.execPath,
    ...process.execArgv,
    ...process.argv.slice(1),
  ];
  process.execve?.('/bin/sh', args, { ...process.env, [MARK]: state });
}

/** Tells the reaper which process is the supervisor now. */
export function tellInitPid(): void {
  const state = process.env[MARK];
  if (state !== undefined) writeFileSync(join(state, 'pid'), `${process.pid}\n`);
}

/** Tells the reaper what to end with. */
export function tellInitCode(code: number): void {
  const state = process.env[MARK];
  if (state !== undefined) writeFileSync(join(state, 'code'), `${code}\n`);
}
