// Servers that misbehave at the start, as one-line programs.
import type { DrillConfig } from '../../src/config/schema.ts';
import { schema } from '../../src/config/schema.ts';

/** A configuration that runs a piece of JavaScript as the server. */
export function script(code: string, extra: Record<string, unknown> = {}): DrillConfig {
  return {
    ...schema.parse({ ...extra, command: [process.execPath, '-e', code] }),
    cwd: '.',
  };
}

export const plain = `require('http').createServer((q, s) => s.end('hello'))
  .listen(process.env.PORT, '127.0.0.1');`;
