import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { z } from 'zod';

/** The app's own folder, and the checkout it lives in. */
export const appFolder = fileURLToPath(new URL('..', import.meta.url));
export const checkout = fileURLToPath(new URL('../../..', import.meta.url));

const whole = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d+$/, `expected a whole number from ${least} to ${most}`)
    .transform(Number)
    .refine(
      (value) => value >= least && value <= most,
      `expected a whole number from ${least} to ${most}`,
    );

const integer = (least: number, most: number, fallback: number) =>
  whole(least, most).default(fallback);

const address = (protocol: RegExp, expected: string) =>
  z
    .string()
    .refine((text) => URL.canParse(text) && protocol.test(new URL(text).protocol), expected);

const hasPassword = (text: string): boolean => /\/\/[^/?#]*@/.test(text);

const environment = z.object({
  PORT: integer(0, 65_535, 8080),
  GRPC_PORT: whole(0, 65_535).optional(),
  HOST: z.string().default('127.0.0.1'),
  DATABASE_URL: address(
    /^postgres(ql)?:$/,
    'expected postgres://user:password@host:port/database',
  ).optional(),
  LASTCALL_DATA_DIR: z.string().default(join(checkout, '.lastcall')),
  MODEL_TOKENS_PER_SECOND: integer(1, 1_000_000, 40),
  MODEL_UPSTREAM_URL: address(/^https?:$/, 'expected http(s)://host:port/v1')
    .refine(
      (text) => !hasPassword(text),
      'expected no user and no password in it, which clients would be shown; give the key in MODEL_UPSTREAM_API_KEY',
    )
    .optional(),
  MODEL_UPSTREAM_API_KEY: z.string().optional(),
  MODEL_UPSTREAM_NAME: z.string().optional(),
  MODEL_UPLOAD_MAX_BYTES: integer(1, 2 ** 31 - 1, 64 * 1024 * 1024),
  TASK_CONCURRENCY: integer(1, 64, 2),
});

/** Settings of the service. The library reads GRACEFUL_SHUTDOWN_TIMEOUT and LASTCALL_* itself. */
export type Config = z.output<typeof environment>;

/** The environment has values the service cannot start with; the message names each. */
export class ConfigError extends Error {
  readonly code = 'CONFIGURATION';
}

const secret = new Set(['DATABASE_URL', 'MODEL_UPSTREAM_API_KEY']);

/**
 * Under the process manager port 0 is the second socket that it holds for all workers: a port of
 * each worker's own would be one that no client can know.
 */
function sharedGrpcPort(config: Config, env: NodeJS.ProcessEnv): Config {
  if (config.GRPC_PORT !== 0 || env.LASTCALL_WORKER === undefined) return config;
  const [, second = ''] = (env.LASTCALL_ADDRESSES ?? '').split(',');
  const port = /:(\d+)$/.exec(second)?.[1];
  if (port === undefined)
    throw new ConfigError(
      'GRPC_PORT: expected a port that lastcall serve holds, got 0, which would be another one in each worker. Give lastcall serve --listen HOST:0 (or HOST:PORT, and name the port here), or unset it for no gRPC.',
    );
  return { ...config, GRPC_PORT: Number(port) };
}

/** Reads the settings; an empty variable counts as unset. Throws {@link ConfigError}. */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = environment.safeParse(given);
  if (parsed.success) return sharedGrpcPort(parsed.data, env);
  const lines = parsed.error.issues.map(({ path, message }) => {
    const name = String(path[0]);
    const isSecret = secret.has(name) || hasPassword(given[name] ?? '');
    const got = isSecret ? 'a value that is not shown here' : JSON.stringify(given[name]);
    return `${name}: ${message}, got ${got}`;
  });
  throw new ConfigError(
    `The service cannot start with this environment:\n  ${[...new Set(lines)].join('\n  ')}\nCorrect it, or unset the variable to get its default.`,
  );
}
