/**
 * How a piece of work ended. `completed`: done and flushed. `failed`: the application's own error.
 * `cancelled`: the client went away, or the work was revoked. `handed_over`: another worker goes on.
 * `moved`: another worker of the node goes on, on the same connection.
 * `expired`: cancelled at the deadline, and the client was told. `lost`: none of these; it must be 0.
 */
export const OUTCOMES = [
  'completed',
  'failed',
  'cancelled',
  'handed_over',
  'moved',
  'expired',
  'lost',
] as const;

export type Outcome = (typeof OUTCOMES)[number];
