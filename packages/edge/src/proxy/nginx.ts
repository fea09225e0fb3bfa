import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { everyDirective, parseNginx } from '../config/nginx.ts';
import { replaceFile } from '../config/replace-file.ts';
import { markServer, type UpstreamServer, upstreamServers } from '../config/upstream.ts';
import { EdgeError } from '../errors.ts';
import { readBytes, readText, type Text } from '../read-text.ts';
import { mayBeOut, type Proxy, type ServerState } from './driver.ts';
import { childrenOf, processFacts } from './processes.ts';
import { until } from './wait.ts';

const run = promisify(execFile);
/** A reload shows in new worker processes, within milliseconds where the configuration is sound. */
const RELOAD_MS = 10_000;
const WORKER = 'nginx: worker process';
/** What a worker of before a reload calls itself until it has finished what it holds. */
const RETIRING = `${WORKER} is shutting down`;

export interface NginxOptions {
  /** The main configuration, which `nginx -t` tests. */
  config: string;
  /** The file that holds the upstream. Default: the main configuration. */
  upstreamFile?: string | undefined;
  /** Default: the `pid` of the main configuration, or /run/nginx.pid. */
  pidFile?: string | undefined;
  /** Default `nginx`. */
  command?: string | undefined;
}

/** Marks servers `down` in the upstream file, tests the configuration and reloads. */
export class Nginx implements Proxy {
  readonly name: string;
  readonly #upstream: string;
  readonly #options: NginxOptions;
  readonly #file: string;

  constructor(upstream: string, options: NginxOptions) {
    this.name = `nginx upstream ${upstream}`;
    this.#upstream = upstream;
    this.#options = options;
    this.#file = options.upstreamFile ?? options.config;
  }

  async servers(): Promise<ServerState[]> {
    return this.#read(this.#text().text).map(({ address, down }) => ({
      server: address,
      inService: !down,
      takenOut: down,
      sessions: undefined,
    }));
  }

  /** The servers are read from the file, whether or not somebody has loaded it. */
  trouble(): string | undefined {
    try {
      this.#master();
    } catch (error) {
      return (error as Error).message;
    }
    return undefined;
  }

  takeOut(server: string): Promise<void> {
    return this.#mark(server, true);
  }

  putBack(server: string): Promise<void> {
    return this.#mark(server, false);
  }

  /** Old workers finish what they hold and exit; until then one may still pick a server. */
  settle(_server: string, withinMs: number): Promise<boolean> {
    const master = this.#master();
    const gone = (): boolean => !childrenOf(master).some(({ title }) => title.startsWith(RETIRING));
    return until(gone, withinMs);
  }

  async #mark(server: string, down: boolean): Promise<void> {
    const master = this.#master(' Nothing was changed.');
    const before = this.#text();
    const found = this.#read(before.text).find(({ address }) => address === server);
    if (!found) throw noServer(this.name, server);
    const after = { ...before, text: markServer(before.text, found, down) };
    // A file that has the mark already is loaded all the same: whoever wrote it may have died before.
    if (after.text !== before.text) replaceFile(this.#file, after);
    const back = (error: unknown): void => {
      try {
        // Somebody else's change of meanwhile is not overwritten.
        if (after.text !== before.text && this.#text().text === after.text)
          replaceFile(this.#file, before);
      } catch {
        throw down ? mayBeOut(this.name, server, error) : error;
      }
    };
    try {
      await this.#test();
    } catch (error) {
      back(error);
      throw error;
    }
    try {
      await this.#reload(master);
    } catch (error) {
      back(error);
      // It may have read the file in between.
      if (processFacts(master)) process.kill(master, 'SIGHUP');
      throw error;
    }
  }

  async #test(): Promise<void> {
    const { command = 'nginx', config } = this.#options;
    try {
      await run(command, ['-t', '-q', '-c', config]);
    } catch (error) {
      const { stderr, message } = error as Error & { stderr?: string };
      throw new EdgeError(
        'ERR_EDGE_PROXY',
        `${command} -t refuses the configuration: ${(stderr || message).trim()}. ${this.#file} is as it was, nothing was reloaded.`,
        {},
        { cause: error },
      );
    }
  }

  async #reload(master: number): Promise<void> {
    const before = new Set(childrenOf(master).map(({ pid }) => pid));
    process.kill(master, 'SIGHUP');
    const renewed = await until(() => {
      const workers = childrenOf(master).filter(({ title }) => title === WORKER);
      return workers.length > 0 && workers.every(({ pid }) => !before.has(pid));
    }, RELOAD_MS);
    if (!renewed)
      throw new EdgeError(
        'ERR_EDGE_PROXY',
        `nginx (pid ${master}) did not start new workers within ${RELOAD_MS / 1_000} s of the reload; see its error log. ${this.#file} is as it was.`,
      );
  }

  #master(state = ''): number {
    const file = this.#options.pidFile ?? this.#pidFromConfig();
    let text = '';
    try {
      text = readFileSync(file, 'utf8');
    } catch {
      // Told below.
    }
    const pid = Number(text.trim());
    if (pid > 0 && processFacts(pid)?.title.startsWith('nginx')) return pid;
    throw new EdgeError(
      'ERR_EDGE_PROXY',
      `nginx is not running: ${file} ${text === '' ? 'cannot be read' : `names pid ${text.trim()}, which is no nginx`}.${state} Start nginx, or name its pid file (nginx.pidFile).`,
      { pidFile: file },
    );
  }

  #pidFromConfig(): string {
    const { config } = this.#options;
    const directives = parseNginx(readText(config), config);
    for (const { name, words } of everyDirective(directives))
      if (name === 'pid' && words[1]) return words[1].text;
    return '/run/nginx.pid';
  }

  #text(): Text {
    return readBytes(this.#file);
  }

  #read(text: string): UpstreamServer[] {
    return upstreamServers(text, this.#file, this.#upstream);
  }
}

export function noServer(name: string, server: string): EdgeError {
  return new EdgeError(
    'ERR_EDGE_SERVER',
    `${name} has no server ${server}. lastcall node status lists them.`,
    { server },
  );
}
