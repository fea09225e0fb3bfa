import { syntaxError } from './position.ts';

/** A word of an nginx configuration and where it stands; quotes are taken off in `text`. */
export interface Word {
  text: string;
  start: number;
  end: number;
}

/** A directive: its words, and the directives inside it when it has a block. */
export interface Directive {
  name: string;
  words: Word[];
  /** Where the `;` or the `{` stands. */
  end: number;
  block: Directive[] | undefined;
}

/**
 * Reads an nginx configuration into directives that know their places, so that an edit touches
 * nothing else. Throws `ERR_EDGE_SYNTAX` with line and column.
 */
export function parseNginx(text: string, file: string): Directive[] {
  const reader = new Reader(text, file);
  const directives = reader.block(-1);
  return directives;
}

/** No sound configuration nests as deep; each level is a call. */
const DEEPEST = 200;

class Reader {
  readonly #text: string;
  readonly #file: string;
  #at = 0;
  #depth = 0;

  constructor(text: string, file: string) {
    this.#text = text;
    this.#file = file;
  }

  /** Directives up to the closing brace of the block that opened at `openedAt`; -1: up to the end. */
  block(openedAt: number): Directive[] {
    const directives: Directive[] = [];
    for (;;) {
      this.#skip();
      const char = this.#text[this.#at];
      if (char === undefined) {
        if (openedAt >= 0) throw this.#error(openedAt, 'This "{" is never closed');
        return directives;
      }
      if (char === '}') {
        if (openedAt < 0) throw this.#error(this.#at, 'Unexpected "}"');
        this.#at += 1;
        return directives;
      }
      directives.push(this.#directive());
    }
  }

  #directive(): Directive {
    const start = this.#at;
    const words: Word[] = [];
    for (;;) {
      this.#skip();
      const char = this.#text[this.#at];
      const end = this.#at;
      if (char === undefined) throw this.#error(start, 'This directive has no ";"');
      if (char === '}')
        throw this.#error(start, 'Expected ";" before "}" at the end of this directive');
      if (char === ';' || char === '{') {
        if (words.length === 0) throw this.#error(end, `Unexpected "${char}"`);
        this.#at += 1;
        const name = words[0]!.text;
        const block = char === ';' ? undefined : this.#inner(name, end);
        return { name, words, end, block };
      }
      words.push(this.#word());
    }
  }

  /** A block of Lua is a program, not directives: it is passed over. */
  #inner(name: string, openedAt: number): Directive[] {
    if (!name.endsWith('_by_lua_block')) {
      this.#depth += 1;
      if (this.#depth > DEEPEST) throw this.#error(openedAt, `More than ${DEEPEST} levels of "{"`);
      const inside = this.block(openedAt);
      this.#depth -= 1;
      return inside;
    }
    for (let depth = 1; depth > 0; this.#at += 1) {
      const char = this.#text[this.#at];
      if (char === undefined) throw this.#error(openedAt, 'This "{" is never closed');
      if (char === '{') depth += 1;
      if (char === '}') depth -= 1;
    }
    return [];
  }

  #word(): Word {
    const start = this.#at;
    const quote = this.#text[start];
    if (quote === '"' || quote === "'") return this.#quoted(start, quote);
    for (let char = this.#text[this.#at]; char !== undefined; char = this.#text[this.#at]) {
      if (char === '\\') this.#at += 2;
      // "${name}" is a variable, not a block.
      else if (char === '$' && this.#text[this.#at + 1] === '{') {
        const close = this.#text.indexOf('}', this.#at);
        if (close === -1) throw this.#error(this.#at, 'This "${" is never closed');
        this.#at = close + 1;
      } else if (/[\s;{]/.test(char)) break;
      else this.#at += 1;
    }
    return { text: this.#text.slice(start, this.#at), start, end: this.#at };
  }

  #quoted(start: number, quote: string): Word {
    let text = '';
    for (this.#at += 1; this.#text[this.#at] !== quote; this.#at += 1) {
      if (this.#text[this.#at] === '\\') this.#at += 1;
      const char = this.#text[this.#at];
      if (char === undefined) throw this.#error(start, 'This quoted text is never closed');
      text += char;
    }
    this.#at += 1;
    return { text, start, end: this.#at };
  }

  #skip(): void {
    for (;;) {
      const char = this.#text[this.#at];
      if (char === '#') {
        const end = this.#text.indexOf('\n', this.#at);
        this.#at = end === -1 ? this.#text.length : end;
      } else if (char !== undefined && /\s/.test(char)) this.#at += 1;
      else return;
    }
  }

  #error(offset: number, message: string): Error {
    return syntaxError(this.#file, this.#text, offset, message);
  }
}

/** All directives, those inside blocks too. */
export function* everyDirective(directives: readonly Directive[]): Generator<Directive> {
  for (const directive of directives) {
    yield directive;
    if (directive.block) yield* everyDirective(directive.block);
  }
}
