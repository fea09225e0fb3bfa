import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  visit,
} from 'yaml';
import { syntaxError } from '../config/position.ts';
import type { Edit, Spot } from './finding.ts';

interface Origin {
  file: string;
  text: string;
  lines: LineCounter;
  /** What each alias stands for. */
  aliases: ReadonlyMap<Alias, Node>;
}

/** A place in a YAML file, whether or not something stands there. Aliases and merge keys are followed. */
export class Cursor {
  readonly #origin: Origin;
  readonly #node: Node | undefined;
  /** The key, or failing that the nearest node above, for messages about what is missing. */
  readonly #anchor: Node | undefined;

  constructor(origin: Origin, node: Node | undefined, anchor: Node | undefined) {
    this.#origin = origin;
    this.#node = isAlias(node) ? origin.aliases.get(node) : node;
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
      nameOf(key),
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

  /** Replaces the scalar that stands here, unless it stands elsewhere as well. */
  replacement(text: string): Edit | undefined {
    const range = this.#node?.range;
    return isScalar(this.#node) && range && !this.#isShared(range[0])
      ? { start: range[0], end: range[1], text }
      : undefined;
  }

  /** Puts a line before the key that stands here, at its indentation; block style alone, and not where an alias repeats it. */
  lineBefore(line: string): Edit | undefined {
    const start = this.#anchor?.range?.[0];
    if (start === undefined || this.#isShared(start)) return undefined;
    const indent = this.#origin.text.slice(
      this.#origin.text.lastIndexOf('\n', start - 1) + 1,
      start,
    );
    return /^ *$/.test(indent) ? { start, end: start, text: `${line}\n${indent}` } : undefined;
  }

  /** An alias stands for what is at this place: an edit of it would be one of two places. */
  #isShared(offset: number): boolean {
    for (const { range } of this.#origin.aliases.values())
      if (range && range[0] <= offset && offset < range[1]) return true;
    return false;
  }

  #child(key: string): Cursor {
    const absent = new Cursor(this.#origin, undefined, this.#anchor ?? this.#node);
    return this.#own(key) ?? this.#merged(key, new Set()) ?? absent;
  }

  #own(key: string): Cursor | undefined {
    if (!isMap(this.#node)) return undefined;
    const pair = this.#node.items.find((item) => nameOf(item.key) === key);
    return pair && new Cursor(this.#origin, (pair.value ?? undefined) as Node, pair.key as Node);
  }

  /** What "<<" brings in: a map, or a list of maps of which the first counts. One may name itself. */
  #merged(key: string, seen: Set<Node>): Cursor | undefined {
    if (!isMap(this.#node) || seen.has(this.#node)) return undefined;
    seen.add(this.#node);
    for (const { key: name, value } of this.#node.items) {
      if (nameOf(name) !== '<<') continue;
      const brought = new Cursor(this.#origin, (value ?? undefined) as Node, name as Node);
      for (const source of isSeq(brought.#node) ? brought.list() : [brought]) {
        const found = source.#own(key) ?? source.#merged(key, seen);
        if (found) return found;
      }
    }
    return undefined;
  }
}

/** With merge keys read, "<<" is a symbol. */
const nameOf = (key: unknown): string => {
  const value = isScalar(key) ? key.value : '';
  return typeof value === 'symbol' ? (value.description ?? '') : String(value);
};

/** An alias stands for the last node before it that has its name. */
function aliasesOf(document: Document, refuse: (alias: Alias) => Error): Map<Alias, Node> {
  const anchors = new Map<string, Node>();
  const aliases = new Map<Alias, Node>();
  visit(document, {
    Node(_, node) {
      if (!isAlias(node)) {
        if (node.anchor !== undefined) anchors.set(node.anchor, node);
        return;
      }
      const target = anchors.get(node.source);
      if (!target) throw refuse(node);
      aliases.set(node, target);
    },
  });
  return aliases;
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
    const aliases = aliasesOf(document, ({ source, range }) =>
      syntaxError(file, text, range?.[0] ?? 0, `No anchor "${source}" stands before this alias`),
    );
    const { contents } = document;
    // "---" at the end begins a document of nothing.
    if (contents === null || (isScalar(contents) && contents.value === null)) continue;
    const root = new Cursor({ file, text, aliases, lines }, contents, undefined);
    const items = root.get('kind').text === 'List' ? root.get('items').list() : [root];
    roots.push(...items);
  }
  return roots;
}
