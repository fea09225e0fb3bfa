import { EdgeError } from '../errors.ts';
import { type Directive, everyDirective, parseNginx } from './nginx.ts';

/** A server of an nginx upstream. */
export interface UpstreamServer {
  address: string;
  down: boolean;
  /** Its lines: an address may be named more than once. */
  directives: Directive[];
}

/** The servers of an upstream. Throws `ERR_EDGE_SYNTAX` or `ERR_EDGE_UPSTREAM`. */
export function upstreamServers(text: string, file: string, upstream: string): UpstreamServer[] {
  const block = upstreamBlock(text, file, upstream);
  const lines = Map.groupBy(
    block.filter(({ name }) => name === 'server'),
    ({ words }) => words[1]?.text ?? '',
  );
  return [...lines].map(([address, directives]) => ({
    address,
    // While one of its lines is up it gets work.
    down: directives.every((directive) => downWords(directive).length > 0),
    directives,
  }));
}

function upstreamBlock(text: string, file: string, upstream: string): Directive[] {
  const directives = [...everyDirective(parseNginx(text, file))];
  const all = directives.filter(({ name }) => name === 'upstream');
  const found = all.filter(({ words }) => words[1]?.text === upstream);
  const fail = (message: string): EdgeError =>
    new EdgeError('ERR_EDGE_UPSTREAM', `${file} ${message}`, { file, upstream });
  const included = (among: readonly Directive[]): string =>
    among
      .filter(({ name }) => name === 'include')
      .map(({ words }) => words[1]?.text)
      .join(', ');
  const [first] = found;
  if (!first) {
    const others = included(directives);
    throw fail(
      `has no upstream ${upstream}. It has: ${all.map(({ words }) => words[1]?.text).join(', ') || 'none'}.${others === '' ? '' : ` Files that it includes (${others}) are not followed: name the one that holds the upstream (nginx.upstreamFile).`}`,
    );
  }
  if (found.length > 1)
    throw fail(
      `has ${found.length} upstreams ${upstream} (http and stream?). Give each a file of its own and name one (nginx.upstreamFile). Nothing was changed.`,
    );
  const inside = first.block ?? [];
  const hidden = included(inside);
  if (hidden !== '')
    throw fail(
      `has servers of upstream ${upstream} in another file (${hidden}), where they would be missed. Write them into the upstream. Nothing was changed.`,
    );
  return inside;
}

/** Positions of the word "down" in a server line. */
const downWords = ({ words }: Directive): number[] =>
  words.flatMap(({ text }, i) => (i > 1 && text === 'down' ? [i] : []));

/** The text with one server marked down or up; nothing else changes. */
export function markServer(text: string, { directives }: UpstreamServer, down: boolean): string {
  // From the end, so that the places of the others stay true.
  return directives.toReversed().reduce((marked, directive) => {
    const words = downWords(directive);
    if (down) return words.length > 0 ? marked : withDown(marked, directive);
    return words.toReversed().reduce((rest, word) => without(rest, directive, word), marked);
  }, text);
}

function withDown(text: string, { words }: Directive): string {
  const { end } = words.at(-1)!;
  return `${text.slice(0, end)} down${text.slice(end)}`;
}

/** The space before the word goes with it, but no comment that stands there, nor the end of its line. */
function without(text: string, { words }: Directive, word: number): string {
  const { start, end } = words[word]!;
  const from = words[word - 1]!.end;
  const gap = text.slice(from, start);
  const kept = gap.includes('#') ? gap.replace(/[ \t]+$/, '') : '';
  return text.slice(0, from) + kept + text.slice(end);
}
