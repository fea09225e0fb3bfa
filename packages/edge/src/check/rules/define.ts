export type Severity = 'error' | 'warning';

/** One rule of `lastcall pod check`; its page is made from it. */
export interface Rule {
  name: string;
  severity: Severity;
  title: string;
  why: string;
  fix: string;
}

export const rule = (
  severity: Severity,
  name: string,
  title: string,
  why: string,
  fix: string,
): Rule => ({ severity, name, title, why, fix });
