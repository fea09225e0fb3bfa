import type { Position } from '../config/position.ts';
import { RULES, type RuleCode } from './rules/index.ts';
import type { Severity } from './rules/define.ts';

/** A replacement of the text from `start` to `end`. */
export interface Edit {
  start: number;
  end: number;
  text: string;
}

export interface Finding extends Position {
  rule: RuleCode;
  severity: Severity;
  file: string;
  message: string;
  /** The sum behind the message, where there is one. */
  arithmetic: string | undefined;
  fix: string;
  /** What `--fix` does, where that is safe. */
  edit: Edit | undefined;
}

export interface CheckOptions {
  /** Time that the sum of a stop must leave unused. Default 3000. */
  marginMs: number;
  /** Leave time of the services behind a proxy. Default 5000. */
  leaveMs: number;
}

/** What a finding is about: a file and a place in it. */
export interface Spot extends Position {
  file: string;
}

export class Findings {
  readonly all: Finding[] = [];
  readonly options: CheckOptions;

  constructor(options: CheckOptions) {
    this.options = options;
  }

  add(
    rule: RuleCode,
    { file, line, column }: Spot,
    message: string,
    more: { arithmetic?: string; edit?: Edit | undefined } = {},
  ): void {
    const { severity, fix } = RULES[rule];
    const { arithmetic, edit } = more;
    this.all.push({
      rule,
      severity,
      file,
      line,
      column,
      message: oneLine(message),
      arithmetic,
      fix,
      edit,
    });
  }
}

const LONGEST = 300;

/** A message may quote a whole script. */
function oneLine(message: string): string {
  const line = message.replaceAll(/\s+/g, ' ');
  return line.length > LONGEST ? `${line.slice(0, LONGEST)} ...` : line;
}

/** `25 s`, `1.5 s`. */
export const seconds = (ms: number): string => `${Math.round(ms / 100) / 10} s`;
