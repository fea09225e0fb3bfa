// Reads drill.yaml; each error says the line, the column, the key and the nearest valid key.
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import {
  type Document,
  LineCounter,
  isCollection,
  isMap,
  isNode,
  parseDocument,
  visit,
} from 'yaml';
import type { z } from 'zod';
import { DrillError } from '../case.ts';
import { nearest } from './nearest.ts';
import { shown } from './shown.ts';
import { type DrillConfig, schema } from './schema.ts';

export function loadConfig(file: string): DrillConfig {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new DrillError(
      'CONFIG_MISSING',
      `--config: cannot read ${file}. Give an existing file.`,
      {
        cause,
      },
    );
  }
  const config = parseConfig(text, file);
  return { ...config, cwd: resolve(dirname(file), config.cwd ?? '.') };
}

/** Exported for callers that hold the text; `file` is only named in messages. */
export function parseConfig(text: string, file: string): DrillConfig {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const broken = document.errors[0];
  if (broken !== undefined) {
    const { line, col } = lines.linePos(broken.pos[0]);
    const what = broken.message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? '';
    throw new DrillError('CONFIG_SYNTAX', `${file}:${line}:${col}: not valid YAML: ${what}`);
  }
  const parsed = schema.safeParse(plainValue(document, lines, file));
  if (parsed.success) return parsed.data;
  // A key that was misspelt is also missing: what it is called comes first.
  const unknownFirst = parsed.error.issues.toSorted(
    (left, right) => Number(isUnknown(right)) - Number(isUnknown(left)),
  );
  const messages = unknownFirst.flatMap((issue) =>
    describe(issue, document, lines).map((one) => `${file}:${one}`),
  );
  throw new DrillError('CONFIG_INVALID', messages.join('\n'));
}

const isUnknown = ({ code }: z.core.$ZodIssue): boolean => code === 'unrecognized_keys';

/** An alias is only followed here, so one that leads nowhere is only seen here. */
function plainValue(document: Document, lines: LineCounter, file: string): unknown {
  try {
    return document.toJS();
  } catch (cause) {
    const what = cause instanceof Error ? cause.message : String(cause);
    let offset = 0;
    visit(document, {
      Alias: (_, alias) => {
        if (alias.resolve(document) !== undefined) return undefined;
        offset = alias.range?.[0] ?? 0;
        return visit.BREAK;
      },
    });
    const { line, col } = lines.linePos(offset);
    const at = `${line}:${col}`;
    throw new DrillError('CONFIG_SYNTAX', `${file}:${at}: not valid YAML: ${what}`, { cause });
  }
}

function describe(issue: z.core.$ZodIssue, document: Document, lines: LineCounter): string[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(path);
    return issue.keys.map((key) => {
      const near = nearest(key, known);
      const hint =
        near === undefined ? `Known keys: ${known.join(', ')}.` : `Did you mean "${near}"?`;
      return `${place([...path, key], document, lines)}: unknown key "${key}". ${hint}`;
    });
  }
  const name = path.join('.') || 'the file';
  return [`${place(path, document, lines)}: ${name}: ${message(issue, document, path)}`];
}

function message(issue: z.core.$ZodIssue, document: Document, path: string[]): string {
  if (issue.code === 'invalid_value') {
    const values = issue.values.map(String);
    const came = String(document.getIn(path));
    const near = nearest(came, values);
    return `expected one of ${values.join(', ')}; got "${came}"${near === undefined ? '' : `. Did you mean "${near}"?`}`;
  }
  if (issue.code === 'custom') return issue.message;
  const came = shown(path.length === 0 ? document.toJS() : plainIn(document, path));
  if (issue.code !== 'invalid_type') return `${issue.message}; got ${came}`;
  const example = path.length === 0 ? ', such as `command: node server.js`' : '';
  return `expected ${kinds[issue.expected] ?? issue.expected}${example}; got ${came}`;
}

const kinds: Readonly<Record<string, string>> = {
  object: 'keys with their values',
  record: 'names with their values',
  array: 'a list, such as [a, b]',
  string: 'text',
  boolean: 'true or false',
};

function plainIn(document: Document, path: readonly string[]): unknown {
  const node = document.getIn(path, true);
  return isNode(node) ? node.toJS(document) : node;
}

function keysAt(path: readonly string[]): string[] {
  let node: unknown = schema;
  for (const step of path) {
    node = shapeOf(node)[step];
  }
  return Object.keys(shapeOf(node));
}

function shapeOf(node: unknown): Record<string, unknown> {
  let inner = node as { def?: { innerType?: unknown }; shape?: Record<string, unknown> };
  while (inner.shape === undefined && inner.def?.innerType !== undefined) {
    inner = inner.def.innerType as typeof inner;
  }
  return inner.shape ?? {};
}

/** "line:column" of the key itself, or of the nearest thing above it that is in the file. */
function place(path: readonly string[], document: Document, lines: LineCounter): string {
  let offset = 0;
  let node: unknown = document.contents;
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find((one) => isNode(one.key) && String(one.key) === step);
      if (pair === undefined) break;
      offset = (isNode(pair.key) ? pair.key.range?.[0] : undefined) ?? offset;
      node = pair.value;
    } else if (isCollection(node)) {
      node = node.get(Number(step), true);
      offset = (isNode(node) ? node.range?.[0] : undefined) ?? offset;
    }
  }
  const { line, col } = lines.linePos(offset);
  return `${line}:${col}`;
}
