import { positionAt, syntaxError, type Position } from './position.ts';

/** A line of an HAProxy section. */
export interface Line {
  words: string[];
  offset: number;
  position: Position;
}

export interface Section {
  kind: string;
  name: string;
  lines: Line[];
  position: Position;
}

const KINDS = new Set(
  'global defaults frontend backend listen peers resolvers mailers userlist cache program http-errors ring fcgi-app log-forward log-profile crt-store traces acme'.split(
    ' ',
  ),
);

/** Reads an HAProxy configuration into sections. Throws `ERR_EDGE_SYNTAX` with line and column. */
export function parseHaproxy(text: string, file: string): Section[] {
  const sections: Section[] = [];
  let offset = 0;
  for (const raw of text.split('\n')) {
    const words = split(raw, () => syntaxError(file, text, offset, 'A quote is never closed'));
    const [first = ''] = words;
    const at = offset + raw.search(/\S|$/);
    const position = positionAt(text, at);
    if (KINDS.has(first)) sections.push({ kind: first, name: words[1] ?? '', lines: [], position });
    // ".if" and the like may stand anywhere; both ways are read.
    else if (words.length > 0 && !first.startsWith('.')) {
      const section = sections.at(-1);
      if (!section) throw syntaxError(file, text, at, `"${first}" stands before the first section`);
      section.lines.push({ words, offset: at, position });
    }
    offset += raw.length + 1;
  }
  return sections;
}

function split(line: string, unclosed: () => Error): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (let i = 0; i < line.length; i += 1) {
    const char = line[i]!;
    if (quote !== undefined) {
      if (char === quote) quote = undefined;
      // Strong quotes keep a backslash, weak ones keep what stands behind it.
      else if (char === '\\' && quote === '"') {
        i += 1;
        word = (word ?? '') + (line[i] ?? '');
      } else word = (word ?? '') + char;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= '';
    } else if (char === '\\') {
      i += 1;
      word = (word ?? '') + (line[i] ?? '');
    } else if (char === '#') break;
    else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + char;
  }
  if (quote !== undefined) throw unclosed();
  if (word !== undefined) words.push(word);
  return words;
}
