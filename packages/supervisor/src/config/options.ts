import { constants } from 'node:os';
import { z } from 'zod';
import { CONTROL_SOCKET } from '../control/protocol.ts';
import { address, duration, flag, list, pairs, share, size, text, whole } from './values.ts';

const signalName = z
  .string()
  .transform((name) => name.toUpperCase() as NodeJS.Signals)
  .refine((name) => name in constants.signals, { error: 'expected a signal such as SIGTERM' });

interface Option {
  schema: z.ZodType;
  /** `undefined`: not set unless the user sets it. */
  default: unknown;
  doc: string;
  /** How the value is called in the help; a switch has none. */
  value?: string;
}

/**
 * Every option, once: the flag is its name with dashes (`--prove-ms`), the environment variable is
 * `LASTCALL_` and the name in upper case with underscores, the YAML key is the name itself.
 */
export const OPTIONS = {
  workers: {
    schema: z.union([z.literal('auto'), whole(1, 1_024)], {
      error: 'expected a whole number from 1 to 1024, or auto',
    }),
    default: 'auto',
    value: 'N|auto',
    doc: 'How many workers serve; auto: one for each core.',
  },
  port: {
    schema: whole(0, 65_535),
    default: undefined,
    value: 'PORT',
    doc: 'TCP port to bind, before the addresses of listen and besides them. Not given: none where listen is, else PORT from the environment, else 8080. 0: any free port.',
  },
  host: {
    schema: text,
    default: undefined,
    value: 'IP',
    doc: 'Address for that port; else HOST from the environment, else 0.0.0.0.',
  },
  listen: {
    schema: list,
    default: [],
    value: 'ADDRESS,...',
    doc: 'Sockets to bind and hand to the workers: HOST:PORT, [IPV6]:PORT or unix:PATH. The flag may be repeated.',
  },
  control: {
    schema: text,
    default: CONTROL_SOCKET,
    value: 'PATH',
    doc: 'Control socket (mode 0600).',
  },
  pidFile: {
    schema: text,
    default: undefined,
    value: 'PATH',
    doc: 'Where the process id is written; always written in daemon mode, lastcall.pid beside the control socket unless given.',
  },
  logFile: {
    schema: text,
    default: undefined,
    value: 'PATH',
    doc: 'Where the output of supervisor and workers goes instead of standard output; reopened on SIGUSR1. In daemon mode lastcall.log beside the control socket unless given.',
  },
  daemon: {
    schema: flag,
    default: false,
    doc: 'Go on in the background once the workers are ready.',
  },
  admin: {
    schema: address,
    default: undefined,
    value: 'ADDRESS',
    doc: "Address of the supervisor's own listener for health, metrics and control; it closes last.",
  },
  startMs: {
    schema: duration,
    default: 30_000,
    value: 'DURATION',
    doc: 'How long a worker may take to become ready.',
  },
  proveMs: {
    schema: duration,
    default: 1_000,
    value: 'DURATION',
    doc: 'How long a new worker must serve without fault before an old one is retired for it.',
  },
  check: {
    schema: text,
    default: '/health',
    value: 'PATH',
    doc: 'Path that a new worker must answer with a status below 400; for a foreign program also its readiness probe.',
  },
  surge: {
    schema: whole(1, 1_024),
    default: 1,
    value: 'N',
    doc: 'How many workers may run beyond the number wanted while others are replaced.',
  },
  parallel: {
    schema: whole(0, 1_024),
    default: 0,
    value: 'N',
    doc: 'How many replacements may start at the same time; 0: as many as surge allows.',
  },
  graceMs: {
    schema: duration,
    default: undefined,
    value: 'DURATION',
    doc: 'Grace of the workers, passed on to them; for a foreign program how long it may take to end (then 30 s).',
  },
  killMarginMs: {
    schema: duration,
    default: 5_000,
    value: 'DURATION',
    doc: 'How long past its own deadline a worker may take before it is killed.',
  },
  stopSignal: {
    schema: signalName,
    default: 'SIGTERM',
    value: 'SIGNAL',
    doc: 'The signal that makes a foreign program drain and end.',
  },
  restartLimit: {
    schema: whole(0),
    default: 10,
    value: 'N',
    doc: 'Crashes within restartWindowMs after which the supervisor gives up (no worker left) or slows down (some left).',
  },
  restartWindowMs: {
    schema: duration,
    default: 60_000,
    value: 'DURATION',
    doc: 'The time over which crashes are counted.',
  },
  backoffMs: {
    schema: duration,
    default: 100,
    value: 'DURATION',
    doc: 'Pause before the second restart within the window; it doubles with each further one.',
  },
  backoffMaxMs: {
    schema: duration,
    default: 30_000,
    value: 'DURATION',
    doc: 'The longest pause before a restart.',
  },
  hangMs: {
    schema: duration,
    default: 30_000,
    value: 'DURATION',
    doc: 'A worker whose event loop has not turned for so long is diagnosed, cancelled and killed; 0: never.',
  },
  reportDir: {
    schema: text,
    default: '.lastcall/reports',
    value: 'PATH',
    doc: 'Where the stack of a hung worker is written.',
  },
  maxRequests: {
    schema: whole(0),
    default: 0,
    value: 'N',
    doc: 'Requests and streams after which a worker is replaced; 0: no limit.',
  },
  maxJobs: {
    schema: whole(0),
    default: 0,
    value: 'N',
    doc: 'Tasks and jobs after which a worker is replaced; 0: no limit.',
  },
  maxMemoryBytes: {
    schema: size,
    default: 0,
    value: 'SIZE',
    doc: 'Resident memory at which a worker is replaced; 0: no limit.',
  },
  maxAgeMs: {
    schema: duration,
    default: 0,
    value: 'DURATION',
    doc: 'Age at which a worker is replaced; 0: no limit.',
  },
  jitter: {
    schema: share,
    default: 0.1,
    value: 'SHARE',
    doc: 'Each limit above is raised for each worker by a random share up to this, so that not all are replaced together.',
  },
  upgradeMs: {
    schema: duration,
    default: 60_000,
    value: 'DURATION',
    doc: 'How long a new supervisor may take to have its workers ready; then the upgrade is rolled back.',
  },
  operatorToken: {
    schema: text,
    default: undefined,
    value: 'TOKEN',
    doc: 'Bearer token of an operator on the admin listener and in the workers.',
  },
  env: {
    schema: pairs,
    default: {},
    value: 'NAME=VALUE,...',
    doc: 'Environment of the workers, beyond that of the supervisor.',
  },
} as const satisfies Record<string, Option>;

export type OptionName = keyof typeof OPTIONS;

type Parsed<N extends OptionName> = z.output<(typeof OPTIONS)[N]['schema']>;

/** All options with their values; one is `undefined` only where its default is. */
export type Options = {
  readonly [N in OptionName]: undefined extends (typeof OPTIONS)[N]['default']
    ? Parsed<N> | undefined
    : Parsed<N>;
};

export const OPTION_NAMES = Object.keys(OPTIONS) as OptionName[];

export const flagOf = (name: OptionName): string =>
  `--${name.replaceAll(/[A-Z]/g, (upper) => `-${upper.toLowerCase()}`)}`;

export const environmentOf = (name: OptionName): string =>
  `LASTCALL_${name.replaceAll(/[A-Z]/g, (upper) => `_${upper}`).toUpperCase()}`;
