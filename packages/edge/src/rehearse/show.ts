import { RULES } from '../check/rules/index.ts';
import type { Cause } from './blame.ts';
import type { Rehearsal } from './rehearse.ts';

const SERVICE = {
  title: 'The service itself drops work when it is told to stop',
  fix: 'It has to finish what it holds after SIGTERM: see the guides of Lastcall.',
};

/** The outcome of a rehearsal for people. */
export function showRehearsal({ sent, failures, causes }: Rehearsal): string {
  const blocks = causes.map(({ cause, dropped }) => {
    const { title, fix } = about(cause);
    const first = failures.find((failure) => failure.cause === cause);
    const example = first
      ? `\n    ${first.kind}, ${first.path}, ${first.pod?.name ?? 'no pod in service'}: ${first.told}`
      : '';
    return `${cause}: ${title} (${dropped} dropped)${example}\n    ${fix}`;
  });
  return [...blocks, `${sent} requests, ${failures.length} dropped`].join('\n');
}

const about = (cause: Cause): { title: string; fix: string } =>
  cause === 'SERVICE' ? SERVICE : RULES[cause];
