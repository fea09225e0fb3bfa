// Free TCP ports of this machine, for tests and benches that must know a port before it is listened on.
import { freePort } from '../packages/lastcall/test/support/ports.ts';

export { freePort };

export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) ports.push(await freePort());
  return ports;
}
