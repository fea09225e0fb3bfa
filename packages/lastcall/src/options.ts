import { BlockList, isIP } from 'node:net';
import { LastcallError } from './errors.ts';
import { expectBudget } from './budget.ts';
import { parseDurationMs } from './duration.ts';

/** What a service reports of itself on `GET /v1/health`. */
export interface ServiceInfo {
  storage?: { type: string; status: string };
  model_providers?: readonly unknown[];
}

/** Options of `createLifecycle`. All are optional; durations are milliseconds. */
export interface LifecycleOptions {
  graceMs?: number;
  forceMs?: number;
  leaveMinMs?: number;
  leaveMaxMs?: number;
  lingerMaxMs?: number;
  retryAfterMs?: number;
  killAfterMs?: number | undefined;
  name?: string;
  version?: string;
  operatorToken?: string | undefined;
  operatorCidrs?: readonly string[];
  metricsOn?: 'service' | 'admin';
  recordDir?: string | undefined;
  info?: (() => ServiceInfo) | undefined;
}

type Unset = 'killAfterMs' | 'operatorToken' | 'recordDir' | 'info';
/** Every option with its value; only those without a default may be undefined. */
export type ResolvedOptions = Readonly<
  Required<Omit<LifecycleOptions, Unset>> & { [K in Unset]: LifecycleOptions[K] }
>;

type OptionType = 'duration' | 'text' | 'secret' | 'cidrs' | 'choice' | 'path' | 'function';

export interface OptionSpec {
  type: OptionType;
  default: unknown;
  doc: string;
  /** Environment variable that overrides the value given in code; none for functions. */
  env?: string;
  choices?: readonly string[];
}

/** The one declaration of every option: the reference page and the validator are made from it. */
export const OPTIONS: { readonly [K in keyof Required<LifecycleOptions>]: OptionSpec } = {
  graceMs: {
    type: 'duration',
    default: 25_000,
    env: 'GRACEFUL_SHUTDOWN_TIMEOUT',
    doc: 'Time that work in flight has to finish, from the start of a stop to its deadline; the environment variable is in seconds.',
  },
  forceMs: {
    type: 'duration',
    default: 2_000,
    env: 'LASTCALL_FORCE_MS',
    doc: 'Time after the deadline in which cancelled work may unwind and hooks may run; the process has exited at graceMs + forceMs.',
  },
  leaveMinMs: {
    type: 'duration',
    default: 0,
    env: 'LASTCALL_LEAVE_MIN_MS',
    doc: 'Time for which a process that is no longer ready still serves everything, at the least, so that routing can move away.',
  },
  leaveMaxMs: {
    type: 'duration',
    default: 5_000,
    env: 'LASTCALL_LEAVE_MAX_MS',
    doc: 'The longest that leaving may take while clients that used to send still do.',
  },
  lingerMaxMs: {
    type: 'duration',
    default: 5_000,
    env: 'LASTCALL_LINGER_MAX_MS',
    doc: 'The longest that an idle connection is kept open for a request that may already be on the wire; the time is learnt from the gaps between requests.',
  },
  retryAfterMs: {
    type: 'duration',
    default: 1_000,
    env: 'LASTCALL_RETRY_AFTER_MS',
    doc: 'What a refused client is told in Retry-After (sent in whole seconds, rounded up).',
  },
  killAfterMs: {
    type: 'duration',
    default: undefined,
    env: 'LASTCALL_KILL_AFTER_MS',
    doc: "The orchestrator's own limit (terminationGracePeriodSeconds, TimeoutStopSec): graceMs + forceMs must stay below it.",
  },
  name: {
    type: 'text',
    default: 'service',
    env: 'LASTCALL_NAME',
    doc: 'Name of the service in messages and records.',
  },
  version: {
    type: 'text',
    default: '0.0.0',
    env: 'LASTCALL_VERSION',
    doc: 'Version of the service in the answers of the health endpoints.',
  },
  operatorToken: {
    type: 'secret',
    default: undefined,
    env: 'LASTCALL_OPERATOR_TOKEN',
    doc: 'Bearer token that makes a caller an operator, wherever it calls from; at least 16 characters.',
  },
  operatorCidrs: {
    type: 'cidrs',
    default: [],
    env: 'LASTCALL_OPERATOR_CIDRS',
    doc: 'Addresses or CIDR blocks whose callers are operators, for example that of the kubelet; separated by commas in the environment.',
  },
  metricsOn: {
    type: 'choice',
    default: 'service',
    choices: ['service', 'admin'],
    env: 'LASTCALL_METRICS_ON',
    doc: 'Where GET /metrics is answered: on every listener, or on the admin listener alone.',
  },
  recordDir: {
    type: 'path',
    default: undefined,
    env: 'LASTCALL_RECORD_DIR',
    doc: 'Folder for what outlives the process: the kill record, which lets the next start count a process that was killed, the records of past stops, and the measured durations behind the estimates; none: not kept.',
  },
  info: {
    type: 'function',
    default: undefined,
    doc: 'Gives the storage and model_providers fields of GET /v1/health. While storage.status is unavailable, /ready answers 503.',
  },
};

const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Completes and checks options. The environment wins over code, so that an operator can change a
 * deployed service. Throws `ERR_LASTCALL_OPTION`, `ERR_LASTCALL_OPTION_UNKNOWN` or
 * `ERR_LASTCALL_BUDGET`.
 */
export function resolveOptions(
  given: LifecycleOptions,
  env: NodeJS.ProcessEnv = process.env,
): ResolvedOptions {
  for (const name of Object.keys(given)) expectKnown(name);
  const resolved: Record<string, unknown> = {};
  for (const [name, spec] of Object.entries(OPTIONS)) {
    const text = spec.env === undefined ? undefined : env[spec.env];
    const fromEnv = text !== undefined && text !== '';
    const value = fromEnv
      ? fromText(name, spec, text)
      : (given[name as keyof LifecycleOptions] ?? spec.default);
    const where = fromEnv ? `${name} (from ${spec.env})` : name;
    if (value !== undefined) expectValid(where, spec, value);
    resolved[name] = value;
  }
  const options = Object.freeze(resolved) as ResolvedOptions;
  expectBudget(options);
  return options;
}

/** An address list of CIDR blocks and single addresses. */
export function toBlockList(cidrs: readonly string[]): BlockList {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [address = '', prefix] = cidr.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return list;
}

function expectKnown(name: string): void {
  if (name in OPTIONS) return;
  throw new LastcallError(
    'ERR_LASTCALL_OPTION_UNKNOWN',
    `Option ${name} does not exist. Options are: ${Object.keys(OPTIONS).join(', ')}.`,
    { option: name },
  );
}

function fromText(name: string, spec: OptionSpec, text: string): unknown {
  if (spec.type === 'cidrs') return text.split(',').map((part) => part.trim());
  if (spec.type !== 'duration') return text;
  const plainUnit = spec.env === 'GRACEFUL_SHUTDOWN_TIMEOUT' ? 's' : 'ms';
  const ms = parseDurationMs(text, plainUnit);
  if (ms === undefined) throw wrong(`${name} (from ${spec.env})`, 'a duration such as 30s', text);
  return ms;
}

function expectValid(where: string, spec: OptionSpec, value: unknown): void {
  switch (spec.type) {
    case 'duration':
      if (typeof value !== 'number' || !Number.isFinite(value) || value < 0 || value > MAX_TIMER_MS)
        throw wrong(where, `a number of milliseconds from 0 to ${MAX_TIMER_MS}`, value);
      return;
    case 'choice':
      if (!spec.choices?.includes(value as string))
        throw wrong(where, `one of ${spec.choices?.join(', ')}`, value);
      return;
    case 'cidrs':
      if (!Array.isArray(value)) throw wrong(where, 'a list of CIDR blocks', value);
      for (const cidr of value) expectCidr(where, cidr);
      return;
    case 'secret':
      // The value itself stays out of the message.
      if (typeof value !== 'string' || value.length < 16)
        throw wrong(where, 'a text of at least 16 characters', '(not shown)');
      return;
    case 'function':
      if (typeof value !== 'function') throw wrong(where, 'a function', value);
      return;
    default:
      if (typeof value !== 'string' || value === '') throw wrong(where, 'a text', value);
  }
}

function expectCidr(where: string, cidr: unknown): void {
  const [address = '', prefix = '0', more] = typeof cidr === 'string' ? cidr.split('/') : [];
  const family = isIP(address);
  const valid =
    family !== 0 &&
    more === undefined &&
    /^\d{1,3}$/.test(prefix) &&
    Number(prefix) <= (family === 6 ? 128 : 32);
  if (!valid) throw wrong(where, 'an address or CIDR block such as 10.0.0.0/8', cidr);
}

function wrong(option: string, expected: string, got: unknown): LastcallError {
  const shown = typeof got === 'function' ? 'a function' : (JSON.stringify(got) ?? String(got));
  return new LastcallError(
    'ERR_LASTCALL_OPTION',
    `Option ${option}: expected ${expected}, got ${shown}. Correct it, or leave it out for the default.`,
    { option, expected, got },
  );
}
