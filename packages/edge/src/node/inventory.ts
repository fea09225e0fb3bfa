import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseDurationMs } from 'lastcall';
import { type Document, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { syntaxError } from '../config/position.ts';
import { EdgeError } from '../errors.ts';

const duration = (fallback: string) =>
  z
    .string({ error: ({ input }) => `expected a duration such as 30s, got ${String(input)}` })
    .default(fallback)
    .transform((text, context) => {
      const ms = parseDurationMs(text, 's');
      // More than a timer can wait would end at once.
      if (ms !== undefined && ms < 2 ** 31) return ms;
      context.addIssue({
        code: 'custom',
        message: `expected a duration such as 30s, below 24 days, got ${text}`,
      });
      return z.NEVER;
    });

const node = z.strictObject({
  server: z.string(),
  url: z.url().optional(),
  control: z.string().optional(),
  pid: z.int().positive().optional(),
  pidFile: z.string().optional(),
  admin: z.url().optional(),
  tokenEnv: z.string().default('LASTCALL_OPERATOR_TOKEN'),
  log: z.string().optional(),
  start: z.string().optional(),
});

const file = z
  .strictObject({
    upstream: z.string(),
    nginx: z
      .strictObject({
        config: z.string(),
        upstreamFile: z.string().optional(),
        pidFile: z.string().optional(),
        command: z.string().optional(),
      })
      .optional(),
    haproxy: z.strictObject({ socket: z.string() }).optional(),
    stateDir: z.string().default('.lastcall/edge'),
    minInService: z.int().min(0).default(1),
    settle: duration('10s'),
    grace: duration('25s'),
    force: duration('2s'),
    margin: duration('5s'),
    boot: duration('60s'),
    watch: z
      .strictObject({
        path: z.string().default('/ready'),
        every: duration('2s'),
        timeout: duration('1s'),
        rise: z.int().positive().default(2),
        fall: z.int().positive().default(3),
      })
      .prefault({}),
    nodes: z.array(node).min(1),
  })
  .superRefine(({ nginx, haproxy, nodes }, context) => {
    const refuse = (message: string, ...path: (string | number)[]): void =>
      context.addIssue({ code: 'custom', message, path });
    if ((nginx === undefined) === (haproxy === undefined))
      refuse('expected one of nginx and haproxy');
    for (const [i, entry] of nodes.entries()) {
      if (nodes.findIndex(({ server }) => server === entry.server) < i)
        refuse(`${entry.server} is there already`, 'nodes', i, 'server');
      // HAProxy names its servers by words, and a Unix socket is no URL.
      const isUrl = !haproxy && !entry.server.startsWith('unix:');
      const known = entry.url ?? entry.admin ?? (isUrl ? `http://${entry.server}` : '');
      if (!URL.canParse(known))
        refuse(
          `expected where ${entry.server} answers, such as http://10.0.0.1:8080`,
          'nodes',
          i,
          'url',
        );
    }
  });

/** The proxy, the upstream and its nodes, from edge.yaml. Durations are milliseconds. */
export type Inventory = z.output<typeof file>;
export type NodeEntry = Inventory['nodes'][number];

/** Reads edge.yaml; paths in it are relative to its folder. Throws `ERR_EDGE_CONFIG` or `ERR_EDGE_SYNTAX`. */
export function readInventory(path: string): Inventory {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new EdgeError(
      'ERR_EDGE_CONFIG',
      `${path} cannot be read: ${(error as Error).message}. Name the file of the nodes with --nodes FILE.`,
      { path },
      { cause: error },
    );
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [broken] = document.errors;
  if (broken) throw syntaxError(path, text, broken.pos[0], broken.message);
  const parsed = file.safeParse(plain(document, path));
  if (!parsed.success) {
    const told = parsed.error.issues.map(
      ({ path: at, message }) => `\n  ${at.join('.') || '(the file)'}: ${message}`,
    );
    throw new EdgeError('ERR_EDGE_CONFIG', `${path} does not describe nodes:${told.join('')}`, {
      path,
    });
  }
  return withPaths(parsed.data, dirname(resolve(path)));
}

/** Aliases that multiply, or that name nothing, are refused. */
function plain(document: Document, path: string): unknown {
  try {
    return document.toJS();
  } catch (error) {
    throw new EdgeError(
      'ERR_EDGE_CONFIG',
      `${path} cannot be read: ${(error as Error).message}`,
      { path },
      { cause: error },
    );
  }
}

function withPaths(inventory: Inventory, folder: string): Inventory {
  const at = <T extends string | undefined>(path: T): T =>
    (path === undefined ? path : resolve(folder, path)) as T;
  const { nginx, haproxy } = inventory;
  return {
    ...inventory,
    stateDir: at(inventory.stateDir),
    nginx: nginx && {
      ...nginx,
      config: at(nginx.config),
      upstreamFile: at(nginx.upstreamFile),
      pidFile: at(nginx.pidFile),
    },
    haproxy: haproxy && { socket: at(haproxy.socket) },
    nodes: inventory.nodes.map((entry) => ({
      ...entry,
      control: at(entry.control),
      pidFile: at(entry.pidFile),
      log: at(entry.log),
    })),
  };
}

/** Throws `ERR_EDGE_SERVER`. */
export function nodeOf({ nodes }: Inventory, server: string): NodeEntry {
  const found = nodes.find((entry) => entry.server === server);
  if (found) return found;
  throw new EdgeError(
    'ERR_EDGE_SERVER',
    `There is no node ${server}. There are: ${nodes.map((entry) => entry.server).join(', ')}.`,
    { server },
  );
}

/** Where a node answers. */
export const urlOf = ({ url, admin, server }: NodeEntry): string =>
  (url ?? admin ?? `http://${server}`).replace(/\/$/, '');
