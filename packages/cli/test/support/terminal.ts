// A real terminal for a command: a pane of tmux, whose screen can be read.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from '../../../../scripts/programs.ts';

const LIMIT_MS = 30_000;
const LOOK_MS = 100;

/** Whether there is a tmux, or one can be installed. */
export const hasTerminal = (): boolean => findProgram('tmux') !== undefined;

export interface TerminalOptions {
  columns?: number;
  rows?: number;
  env?: Record<string, string>;
}

/** Runs a command line in a shell, and says `ended CODE` after it. `await using` ends it. */
export class Terminal {
  /** For the socket of a tmux of its own. */
  readonly #dir = mkdtempSync(join(tmpdir(), 'lastcall-terminal-'));

  constructor(command: string, { columns = 100, rows = 40, env = {} }: TerminalOptions = {}) {
    const set = Object.entries(env).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
    const size = ['-x', String(columns), '-y', String(rows)];
    // The settings of the terminal are shown afterwards: a program must leave them as they were.
    const line = `echo before; ${command}; echo "ended $?"; stty -a | tr ' ' '\\n' | grep -x -e '-*icanon;*' -e '-*echo;*'; exec cat`;
    this.#tmux('-f', '/dev/null', 'new-session', '-d', ...size, ...set, line);
  }

  /** The screen as text; `marks`: with colours and other marks. */
  screen(marks = false): string {
    return this.#tmux('capture-pane', '-p', ...(marks ? ['-e'] : []));
  }

  /** A fact about the pane: `alternate_on`, `cursor_flag`. */
  fact(name: string): string {
    return this.#tmux('display-message', '-p', `#{${name}}`).trim();
  }

  keys(...keys: string[]): void {
    this.#tmux('send-keys', ...keys);
  }

  resize(columns: number, rows: number): void {
    this.#tmux('resize-window', '-x', String(columns), '-y', String(rows));
  }

  /** Resolves with the screen once it shows all of these. */
  async shows(...wanted: RegExp[]): Promise<string> {
    const untilMs = performance.now() + LIMIT_MS;
    for (;;) {
      const screen = this.screen();
      const missing = wanted.find((pattern) => !pattern.test(screen));
      if (!missing) return screen;
      if (performance.now() > untilMs) throw new Error(`no ${String(missing)} on:\n${screen}`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  #tmux(...args: string[]): string {
    const env = { ...process.env, LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8' };
    const all = ['-u', '-S', join(this.#dir, 'socket'), ...args];
    return execFileSync('tmux', all, { encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'pipe'] });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#tmux('kill-server');
    rmSync(this.#dir, { recursive: true });
  }
}
