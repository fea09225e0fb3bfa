// Reads drill.yaml; each error says the line, the column, the key and the nearest valid key.
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Document, LineCounter, isCollection, isMap, isNode, parseDocument } from 'yaml';
import type { z } from 'zod';
import { DrillError } from '../case.ts';
import { nearest } from './nearest.ts';
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
    const what = broken.message.split('\n')[0] ?? '';
    throw new DrillError('CONFIG_SYNTAX', `${file}:${line}:${col}: not valid YAML: ${what}`);
  }
  const parsed = schema.safeParse(document.toJS());
  if (parsed.success) return parsed.data;
  const messages = parsed.error.issues.flatMap((issue) =>
    describe(issue, document, lines).map((one) => `${file}:${one}`),
  );
  throw new DrillError('CONFIG_INVALID', messages.join('\n'));
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
  return issue.message;
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
