// drill.yaml: what the server offers. Each key is declared here once.
import { z } from 'zod';
import { areas } from '../case.ts';
import { portNames, routeNames, variantNames } from './needs.ts';

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 };

const duration = z.string().transform((text, ctx) => {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text.trim());
  const unit = units[match?.[2] ?? ''];
  if (match === null || unit === undefined) {
    ctx.addIssue({
      code: 'custom',
      message: `expected a duration with its unit, such as "500ms", "30s" or "5m"; got "${text}"`,
    });
    return z.NEVER;
  }
  return Number(match[1]) * unit;
});

export interface Route {
  readonly method: string;
  readonly path: string;
}

const route = z.string().transform((text, ctx): Route => {
  const match = /^(?:([A-Z]+) +)?(\/\S*)$/.exec(text.trim());
  if (match === null) {
    ctx.addIssue({
      code: 'custom',
      message: `expected "/path" or "METHOD /path"; got "${text}"`,
    });
    return z.NEVER;
  }
  return { method: match[1] ?? '', path: match[2] ?? '/' };
});

const command = z.union([
  z.array(z.string().min(1)).min(1),
  z
    .string()
    .min(1)
    .transform((text) => text.trim().split(/\s+/)),
]);

const environment = z.record(z.string(), z.coerce.string());
const port = z.union([z.string().regex(/^[A-Za-z_]\w*$/), z.int().min(1).max(65_535)]);
const signalNames = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGHUP', 'SIGWINCH'];

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

export const schema = z.strictObject({
  /** The program and its arguments; a list, or a string split at blanks. */
  command,
  /** Where it is started; default: the folder of drill.yaml. */
  cwd: z.string().optional(),
  env: environment.default({}),
  /** The numeric address to connect to. */
  host: z.string().default('127.0.0.1'),
  /** A number is a fixed port; a name is the environment variable that tells the server. */
  ports: named(portNames, port).default({ http: 'PORT' }),
  stopSignal: z.enum(signalNames as [NodeJS.Signals, ...NodeJS.Signals[]]).default('SIGTERM'),
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
  logPattern: z.string().min(1).optional(),
  /** How to reload: a command, or a signal sent to the main process. */
  reload: z.strictObject({ command: command.optional(), signal: z.string().optional() }).optional(),
  /** The same server made to misbehave, by environment. */
  variants: named(variantNames, environment).default({}),
  /** Cases that cannot be asked of this server, each with the reason, which the report gives. */
  skip: z.record(z.string(), z.string().min(1)).default({}),
  /** The areas to run; default: all that apply. */
  areas: z.array(z.enum(areas)).optional(),
});

export type DrillConfig = z.output<typeof schema>;
