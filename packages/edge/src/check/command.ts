/** What is wrong with the way a process is started; undefined when nothing is. */
export function startFault(
  words: readonly string[],
): { rule: 'LC112' | 'LC113'; what: string } | undefined {
  const line = words.join(' ');
  const inner = shellScript(words);
  if (inner === undefined) return managerFault(words);
  const last = lastCommand(inner);
  const program = last.replace(/^exec\s+/, '');
  if (!last.startsWith('exec ')) return { rule: 'LC112', what: line };
  return managerFault(program.split(/\s+/));
}

/** The script of `sh -c SCRIPT`, past an init such as tini. */
function shellScript(words: readonly string[]): string | undefined {
  const rest = withoutInit(words);
  const shell = /(^|\/)(sh|bash|ash|dash|zsh)$/.test(rest[0] ?? '');
  const flag = rest.findIndex((word, i) => i > 0 && /^-[a-z]*c[a-z]*$/.test(word));
  return shell && flag > 0 ? rest[flag + 1] : undefined;
}

function lastCommand(script: string): string {
  const commands = script
    .split(/&&|\|\||;|\n/)
    .map((part) => part.trim())
    .filter((part) => part !== '' && !part.startsWith('#'));
  const last = commands.at(-1) ?? '';
  // The last command of a pipeline shares its shell with the others.
  return last.includes('|') ? last.replace(/^exec\s+/, '') : last;
}

function managerFault(words: readonly string[]): { rule: 'LC113'; what: string } | undefined {
  const [program = ''] = withoutInit(words);
  return /(^|\/)(npm|npx|yarn|pnpm|pnpx|corepack)$/.test(program)
    ? { rule: 'LC113', what: words.join(' ') }
    : undefined;
}

/** Programs that start the one after them in their own place or pass signals on to it. */
const WRAPPERS =
  /(^|\/)(tini|tini-static|dumb-init|docker-init|catatonit|env|docker-entrypoint\.sh)$/;

function withoutInit(words: readonly string[]): readonly string[] {
  let rest = words;
  while (WRAPPERS.test(rest[0] ?? '')) {
    const next = rest.findIndex((word, i) => i > 0 && !/^-|^\w+=/.test(word));
    if (next === -1) return [];
    rest = rest.slice(next);
  }
  return rest;
}

/** Splits a command line as compose and systemd do: quotes, no shell. */
export function splitWords(line: string): string[] {
  return [...line.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|(\S+)/g)].map(
    (match) => match[1] ?? match[2] ?? match[3] ?? '',
  );
}
