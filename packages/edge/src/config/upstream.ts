import { EdgeError } from '../errors.ts';
import { type Directive, everyDirective, parseNginx } from './nginx.ts';

/** A server line of an nginx upstream. */
export interface UpstreamServer {
  address: string;
  down: boolean;
  backup: boolean;
  directive: Directive;
}

/** The servers of an upstream. Throws `ERR_EDGE_SYNTAX` or `ERR_EDGE_UPSTREAM`. */
export function upstreamServers(text: string, file: string, upstream: string): UpstreamServer[] {
  const all = [...everyDirective(parseNginx(text, file))].filter(({ name }) => name === 'upstream');
  const found = all.find(({ words }) => words[1]?.text === upstream);
  if (!found)
    throw new EdgeError(
      'ERR_EDGE_UPSTREAM',
      `${file} has no upstream ${upstream}. It has: ${all.map(({ words }) => words[1]?.text).join(', ') || 'none'}.`,
      { file, upstream },
    );
  return (found.block ?? [])
    .filter(({ name }) => name === 'server')
    .map((directive) => {
      const has = (word: string): boolean => directive.words.some(({ text }) => text === word);
      return {
        address: directive.words[1]?.text ?? '',
        down: has('down'),
        backup: has('backup'),
        directive,
      };
    });
}

/** The text with one server marked down or up; nothing else changes. */
export function markServer(text: string, { directive }: UpstreamServer, down: boolean): string {
  const mark = directive.words.findIndex((word, i) => i > 1 && word.text === 'down');
  if (down === (mark !== -1)) return text;
  const last = directive.words.at(-1)!;
  if (down) return `${text.slice(0, last.end)} down${text.slice(last.end)}`;
  // The space before the word goes with it.
  return text.slice(0, directive.words[mark - 1]!.end) + text.slice(directive.words[mark]!.end);
}
