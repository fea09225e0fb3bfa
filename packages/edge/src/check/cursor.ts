import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
} from 'yaml';
import { syntaxError } from '../config/position.ts';
import type { Edit, Spot } from './finding.ts';

interface Origin {
  file: string;
  text: string;
  document: Document;
  lines: LineCounter;
}

/** A place in a YAML file, whether or not something stands there. Aliases and merge keys are followed. */
export class Cursor {
  readonly #origin: Origin;
  readonly #node: Node | undefined;
  /** The key, or failing that the nearest node above, for messages about what is missing. */
  readonly #anchor: Node | undefined;

  constructor(origin: Origin, node: Node | undefined, anchor: Node | undefined) {
    this.#origin = origin;
    this.#node = isAlias(node) ? node.resolve(origin.document) : node;
    this.#anchor = anchor;
  }

  get exists(): boolean {
    return this.#node !== undefined;
  }

  get text(): string | undefined {
    const value = this.value;
    return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
  }

  get number(): number | undefined {
    const { value } = this;
    return typeof value === 'number' ? value : undefined;
  }

  /** The value of a scalar. */
  get value(): unknown {
    return isScalar(this.#node) ? this.#node.value : undefined;
  }

  get spot(): Spot {
    const offset = (this.#anchor ?? this.#node)?.range?.[0] ?? 0;
    const { line, col } = this.#origin.lines.linePos(offset);
    return { file: this.#origin.file, line, column: col };
  }

  get(...keys: string[]): Cursor {
    const [first, ...rest] = keys;
    return first === undefined ? this : this.#child(first).get(...rest);
  }

  list(): Cursor[] {
    if (!isSeq(this.#node)) return [];
    return this.#node.items.map((item) => new Cursor(this.#origin, item as Node, item as Node));
  }

  entries(): [string, Cursor][] {
    if (!isMap(this.#node)) return [];
    return this.#node.items.map(({ key, value }) => [
      isScalar(key) ? String(key.value) : '',
      new Cursor(this.#origin, (value as Node | null) ?? undefined, key as Node),
    ]);
  }

  /** The strings of a list, or a string alone as a list of one. */
  strings(): string[] {
    const { text } = this;
    return text === undefined ? this.list().flatMap((item) => item.text ?? []) : [text];
  }

  /** A map of texts, such as labels. */
  record(): Record<string, string> {
    return Object.fromEntries(this.entries().map(([key, { text = '' }]) => [key, text]));
  }

  /** Replaces the scalar that stands here. */
  replacement(text: string): Edit | undefined {
    const range = this.#node?.range;
    return isScalar(this.#node) && range ? { start: range[0], end: range[1], text } : undefined;
  }

  /** Puts a line before the key that stands here, at its indentation; block style alone. */
  lineBefore(line: string): Edit | undefined {
    const start = this.#anchor?.range?.[0];
    if (start === undefined) return undefined;
    const indent = this.#origin.text.slice(
      this.#origin.text.lastIndexOf('\n', start - 1) + 1,
      start,
    );
    return /^ *$/.test(indent) ? { start, end: start, text: `${line}\n${indent}` } : undefined;
  }

  #child(key: string): Cursor {
    const anchor = this.#anchor ?? this.#node;
    if (!isMap(this.#node)) return new Cursor(this.#origin, undefined, anchor);
    for (const [name, cursor] of this.entries()) if (name === key) return cursor;
    for (const [name, cursor] of this.entries()) {
      if (name !== '<<') continue;
      const merged = cursor.#child(key);
      if (merged.exists) return merged;
    }
    return new Cursor(this.#origin, undefined, anchor);
  }
}

/** The documents of a YAML file, those of a `List` one by one. Throws `ERR_EDGE_SYNTAX`. */
export function readYaml(text: string, file: string): Cursor[] {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, merge: true });
  const roots: Cursor[] = [];
  for (const document of 'empty' in documents ? [] : documents) {
    const [error] = document.errors;
    if (error)
      throw syntaxError(
        file,
        text,
        error.pos[0],
        (error.message.split('\n')[0] ?? '').replace(/ at line \d+, column \d+:?$/, ''),
      );
    const root = new Cursor(
      { file, text, document, lines },
      document.contents ?? undefined,
      undefined,
    );
    if (!root.exists) continue;
    const items = root.get('kind').text === 'List' ? root.get('items').list() : [root];
    roots.push(...items);
  }
  return roots;
}
