// What happened when, for the picture in the report: one lane for each connection, and the marks.
import { nowMs } from './clock.ts';

export type MarkKind =
  | 'start'
  | 'ready'
  | 'signal'
  | 'not-ready'
  | 'listener-closed'
  | 'exit'
  | 'note';

export interface Mark {
  readonly kind: MarkKind;
  readonly atMs: number;
  readonly text: string;
}

export interface Span {
  readonly label: string;
  readonly fromMs: number;
  toMs?: number;
  outcome: 'pending' | 'answered' | 'refused' | 'lost' | 'void';
  detail: string;
}

export interface Lane {
  readonly label: string;
  readonly openMs: number;
  closeMs?: number;
  close?: 'fin' | 'reset' | 'local';
  readonly spans: Span[];
}

/** Times are milliseconds since the timeline began. */
export class Timeline {
  readonly startMs = nowMs();
  readonly marks: Mark[] = [];
  readonly lanes: Lane[] = [];

  at(): number {
    return nowMs() - this.startMs;
  }

  mark(kind: MarkKind, text: string): void {
    this.marks.push({ kind, atMs: this.at(), text });
  }

  lane(label: string): Lane {
    const lane: Lane = { label, openMs: this.at(), spans: [] };
    this.lanes.push(lane);
    return lane;
  }
}
