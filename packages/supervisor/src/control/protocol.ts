/** Where a supervisor listens for commands unless it is told otherwise, in its working folder. */
export const CONTROL_SOCKET = '.lastcall/control.sock';

/** One command, as a line of JSON; the answer is one line, or several for `logs`. */
export interface ControlRequest {
  verb: string;
  args: Record<string, unknown>;
}

export type ControlReply =
  | { ok: true; result: unknown }
  | { ok: false; message: string; exitCode: number }
  /** A line of the log, as it was written. */
  | { line: string };
