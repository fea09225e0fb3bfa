import { mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SLOT_BYTES = 4;
const SLOTS = 256;

/** The file in which the workers tell each other how many connections they have. It has no name. */
export class Shares {
  readonly fd: number;

  constructor() {
    const dir = mkdtempSync(join(tmpdir(), 'lastcall-shares-'));
    this.fd = openSync(join(dir, 'shares'), 'w+', 0o600);
    rmSync(dir, { recursive: true });
    writeSync(this.fd, Buffer.alloc(SLOTS * SLOT_BYTES), 0, SLOTS * SLOT_BYTES, 0);
  }

  /** What a worker needs to know: the descriptor it has inherited, its place, and how many there are. */
  describe(fd: number, workerId: number): string {
    return `${fd}:${workerId % SLOTS}:${SLOTS}`;
  }

  /** A worker that has gone accepts nothing. */
  clear(workerId: number): void {
    writeSync(this.fd, Buffer.alloc(SLOT_BYTES), 0, SLOT_BYTES, (workerId % SLOTS) * SLOT_BYTES);
  }
}
