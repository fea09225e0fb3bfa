// drill.yaml: what the server offers. Each key is declared here once.
import { z } from 'zod';
import { areas } from '../case.ts';
import { shown } from './shown.ts';
import { portNames, routeNames, variantNames } from './needs.ts';

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 };

/** A value of one form, of whatever type it came: the message says the form, with an example, and what came. */
function formed<T>(form: string, read: (value: unknown) => T | undefined) {
  return z.unknown().transform((value, ctx) => {
    const found = read(value);
    if (found !== undefined) return found;
    ctx.addIssue({ code: 'custom', message: `expected ${form}; got ${shown(value)}` });
    return z.NEVER;
  });
}

/** A timer waits for 24 days at most, and some waits are sums of these. */
const longestMs = 86_400_000;

const duration = formed(
  'a duration with its unit, such as "500ms", "30s" or "5m", of a day at most',
  (value) => {
    const match = typeof value === 'string' && /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(value.trim());
    const unit = units[(match && match[2]) || ''];
    const ms = match && unit !== undefined ? Number(match[1]) * unit : Infinity;
    return ms <= longestMs ? ms : undefined;
  },
);

export interface Route {
  readonly method: string;
  readonly path: string;
}

const route = formed('"/path" or "METHOD /path"', (value): Route | undefined => {
  const match = typeof value === 'string' && /^(?:([A-Z]+) +)?(\/\S*)$/.exec(value.trim());
  return match ? { method: match[1] ?? '', path: match[2] ?? '/' } : undefined;
});

const command = formed(
  'a program and its arguments, such as "node server.js" or [node, server.js]',
  (value) => {
    const words = typeof value === 'string' ? value.trim().split(/\s+/) : value;
    if (!Array.isArray(words) || words.length === 0) return undefined;
    const isWord = (word: unknown): boolean => /string|number/.test(typeof word);
    return words.every(isWord) && words[0] !== '' ? words.map(String) : undefined;
  },
);

const text = formed('text, a number or true or false', (value) =>
  ['string', 'number', 'boolean'].includes(typeof value) ? String(value) : undefined,
);
const environment = z.record(z.string(), text);

const port = formed(
  'an environment variable such as PORT, or a number from 1 to 65535',
  (value) => {
    if (typeof value === 'string' && /^[A-Za-z_]\w*$/.test(value)) return value;
    return Number.isInteger(value) && Number(value) > 0 && Number(value) < 65_536
      ? Number(value)
      : undefined;
  },
);

const pattern = formed('a regular expression, such as "stopped$"', (value) => {
  if (typeof value !== 'string' || value === '') return undefined;
  try {
    void new RegExp(value);
    return value;
  } catch {
    return undefined;
  }
});

const signalNames = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGHUP', 'SIGWINCH'];
const signal = z.enum(signalNames as [NodeJS.Signals, ...NodeJS.Signals[]]);

type Named<N extends string, T extends z.ZodType> = z.ZodObject<
  Record<N, z.ZodOptional<T>>,
  z.core.$strict
>;

/** An object in which each of the names may be given. */
function named<N extends string, T extends z.ZodType>(names: readonly N[], value: T): Named<N, T> {
  const optional = value.optional();
  const shape = Object.fromEntries(names.map((name) => [name, optional]));
  return z.strictObject(shape as Record<N, z.ZodOptional<T>>);
}

const keys = z.strictObject({
  /** The program and its arguments; a list, or a string split at blanks. */
  command,
  /** Where it is started; default: the folder of drill.yaml. */
  cwd: z.string().optional(),
  env: environment.default({}),
  /** The numeric address to connect to. */
  host: z.string().default('127.0.0.1'),
  /** A number is a fixed port; a name is the environment variable that tells the server. */
  ports: named(portNames, port).default({ http: 'PORT' }),
  stopSignal: signal.default('SIGTERM'),
  /** The time the server gives its work to finish. */
  grace: duration.default(5000),
  /** How long an ordinary piece of work lasts; default: 40 % of the grace, at most 600 ms. */
  work: duration.optional(),
  /** The time it gives cancelled work to unwind. */
  force: duration.default(1000),
  /** The time it goes on serving, not ready, before it refuses. */
  leave: duration.default(0),
  /** How soon after the last byte it should have exited. */
  exitWithin: duration.default(1500),
  readyWithin: duration.default(15_000),
  routes: named(routeNames, route).default({}),
  /** The message that starts a socket task of {ms}; any message back is its result. */
  websocketTask: z.string().optional(),
  /** Full method names; each is called with an empty message and the metadata `drill-ms`. */
  grpcUnary: z.string().startsWith('/').optional(),
  grpcStream: z.string().startsWith('/').optional(),
  grpcHealth: z.boolean().default(false),
  /** The operator's bearer token. */
  token: z.string().min(1).optional(),
  /** What the last lines of the log must match once the server has stopped. */
  logPattern: pattern.optional(),
  /** How to reload: a command, or a signal sent to the main process. */
  reload: z
    .strictObject({ command: command.optional(), signal: signal.optional() })
    .refine((how) => how.command !== undefined || how.signal !== undefined, {
      error: 'expected `command` or `signal`; got neither',
    })
    .optional(),
  /** The same server made to misbehave, by environment. */
  variants: named(variantNames, environment).default({}),
  /** Cases that cannot be asked of this server, each with the reason, which the report gives. */
  skip: z.record(z.string(), z.string().min(1)).default({}),
  /** The areas to run; default: all that apply. */
  areas: z.array(z.enum(areas)).min(1).optional(),
});

/** Work that outlasts the grace is cut by a server that does nothing wrong. */
export const schema = keys.superRefine(({ grace, work }, ctx) => {
  if (work === undefined || work < grace) return;
  const message = `expected less than the grace of ${grace} ms, in which it is to finish; got ${work} ms`;
  ctx.addIssue({ code: 'custom', path: ['work'], message });
});

export type DrillConfig = z.output<typeof schema>;
