import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { isMap, isScalar, LineCounter, type Node, parseDocument } from 'yaml';
import { SupervisorError } from '../errors.ts';
import { nearest } from './nearest.ts';
import {
  environmentOf,
  flagOf,
  OPTION_NAMES,
  type OptionName,
  OPTIONS,
  type Options,
} from './options.ts';

export const CONFIG_FILE = 'lastcall.yaml';

/** What is to be run: one of the two. */
export interface Target {
  app?: string;
  command?: string[];
}

export interface Config extends Options, Target {
  /** The folder that relative paths start from. */
  readonly dir: string;
}

export interface Sources {
  /** Values of flags by option name. */
  flags: Readonly<Record<string, unknown>>;
  target: Target;
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
  /** The configuration file; absent: `lastcall.yaml` in `cwd`, if there is one. */
  configFile?: string | undefined;
}

interface Given {
  value: unknown;
  /** Where it was said, for messages. */
  where: string;
}

/** Reads the options. A flag wins over the environment, which wins over the file. */
export function loadConfig(sources: Sources): Config {
  const file = readFile(sources);
  const options = Object.fromEntries(
    OPTION_NAMES.map((name) => {
      const given = fromFlag(sources, name) ?? fromEnvironment(sources, name) ?? file.options[name];
      return [name, given === undefined ? OPTIONS[name].default : check(name, given)];
    }),
  ) as Options;
  const target = (sources.target.app ?? sources.target.command) ? sources.target : file.target;
  if (target.app === undefined && target.command === undefined)
    fail(
      'Nothing to serve: expected a Node entry (lastcall serve APP) or a command (lastcall serve -- COMMAND ...).',
    );
  return Object.freeze({ ...options, ...target, dir: sources.cwd });
}

const fromFlag = ({ flags }: Sources, name: OptionName): Given | undefined =>
  flags[name] === undefined ? undefined : { value: flags[name], where: flagOf(name) };

function fromEnvironment({ env }: Sources, name: OptionName): Given | undefined {
  const variable = environmentOf(name);
  const value = env[variable];
  return value === undefined || value === '' ? undefined : { value, where: variable };
}

function check(name: OptionName, { value, where }: Given): unknown {
  const option = OPTIONS[name];
  const raw = name === 'env' && typeof value === 'string' ? splitPairs(value) : value;
  const result = option.schema.safeParse(raw);
  if (result.success) return result.data;
  const expected = result.error.issues.map(({ message }) => message).join('; ');
  return fail(`${where}: ${expected}, got ${JSON.stringify(value)}.`);
}

const splitPairs = (text: string): Record<string, string> =>
  Object.fromEntries(
    text.split(',').map((pair) => [pair.split('=', 1)[0]!, pair.slice(pair.indexOf('=') + 1)]),
  );

interface FileOptions {
  options: Partial<Record<OptionName, Given>>;
  target: Target;
}

function readFile({ configFile, cwd }: Sources): FileOptions {
  const path = resolve(cwd, configFile ?? CONFIG_FILE);
  if (configFile === undefined && !existsSync(path)) return { options: {}, target: {} };
  const shown = configFile ?? CONFIG_FILE;
  let source: string;
  try {
    source = readFileSync(path, 'utf8');
  } catch (error) {
    return fail(`${shown}: cannot be read: ${(error as Error).message}.`, error);
  }
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false });
  const place = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${shown}:${line}:${col}`;
  };
  const at = (node: Node | null): string => place(node?.range?.[0] ?? 0);
  const [broken] = document.errors;
  if (broken) return fail(`${place(broken.pos[0])}: ${broken.message}.`);
  if (document.contents === null) return { options: {}, target: {} };
  if (!isMap(document.contents))
    return fail(`${at(document.contents)}: expected a map of options.`);
  const found: FileOptions = { options: {}, target: {} };
  for (const { key, value } of document.contents.items) {
    const name = isScalar(key) ? String(key.value) : String(key);
    const plain: unknown = (value as Node | null)?.toJS(document) ?? null;
    if (name === 'app') found.target = { app: String(plain) };
    else if (name === 'command') found.target = { command: commandOf(plain, at(value)) };
    else if (Object.hasOwn(OPTIONS, name))
      found.options[name as OptionName] = { value: plain, where: `${at(key)}: ${name}` };
    else unknown(name, at(key));
  }
  return found;
}

function commandOf(plain: unknown, where: string): string[] {
  if (Array.isArray(plain) && plain.length > 0) return plain.map(String);
  return fail(
    `${where}: command: expected a list such as [python3, -m, uvicorn], got ${JSON.stringify(plain)}.`,
  );
}

function unknown(name: string, where: string): never {
  const near = nearest(name, [...OPTION_NAMES, 'app', 'command']);
  const hint =
    near === undefined ? `The options are ${OPTION_NAMES.join(', ')}.` : `Did you mean ${near}?`;
  return fail(`${where}: there is no option ${name}. ${hint}`);
}

function fail(message: string, cause?: unknown): never {
  throw new SupervisorError('ERR_SUPERVISOR_CONFIG', message, cause === undefined ? {} : { cause });
}
