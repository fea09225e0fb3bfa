import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';

/** kubectl on one namespace. Its errors carry what it printed. */
export class Kubectl {
  readonly namespace: string;
  readonly #program: string;

  constructor(namespace: string, program = process.env.KUBECTL ?? 'kubectl') {
    this.namespace = namespace;
    this.#program = program;
  }

  /** Runs to the end and returns what was printed. */
  run(args: readonly string[], input?: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const child = execFile(
        this.#program,
        ['-n', this.namespace, ...args],
        { encoding: 'utf8', maxBuffer: 64 << 20 },
        (error, stdout, stderr) => {
          if (!error) resolve(stdout);
          else
            reject(
              new Error(`kubectl ${args.join(' ')}: ${stderr.trim() || error.message}`, {
                cause: error,
              }),
            );
        },
      );
      child.stdin?.end(input);
    });
  }

  async get<T>(...args: string[]): Promise<T> {
    return JSON.parse(await this.run(['get', ...args, '-o', 'json'])) as T;
  }

  /** Creates or changes resources. */
  async apply(resources: readonly object[]): Promise<void> {
    const list = { apiVersion: 'v1', kind: 'List', items: resources };
    await this.run(['apply', '-f', '-'], JSON.stringify(list));
  }

  /** The log of a pod until its container ends; the pod may be gone by then. */
  follow(pod: string): { text: Promise<string>; stop(): void } {
    const child: ChildProcess = spawn(
      this.#program,
      ['-n', this.namespace, 'logs', '-f', '--tail=50', pod],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
    let text = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    return { text: once(child, 'close').then(() => text), stop: () => void child.kill() };
  }
}
