// Runs one command of the CLI to its end.
import { execFile } from 'node:child_process';
import { CLI, NODE } from './node.ts';

export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

export function lastcall(
  args: string[],
  options: { cwd: string; env?: Record<string, string> },
): Promise<Ran> {
  return new Promise((resolve) => {
    const env = { ...process.env, PORT: '0', HOST: '127.0.0.1', ...options.env };
    const child = execFile(NODE, [CLI, ...args], { cwd: options.cwd, env }, (_, stdout, stderr) =>
      resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}
