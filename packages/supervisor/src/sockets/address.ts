import { isIP } from 'node:net';
import { SupervisorError } from '../errors.ts';

/** Where a socket is bound: a TCP address (numeric host) or the path of a unix socket. */
export type Address = { host: string; port: number } | { path: string };

const UNIX_PATH_MAX = 107;

/** Parses `HOST:PORT`, `[IPV6]:PORT`, `:PORT`, `PORT` or `unix:PATH`. */
export function parseAddress(text: string): Address {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length);
    if (path === '' || Buffer.byteLength(path) > UNIX_PATH_MAX)
      throw bad(text, `a path of 1 to ${UNIX_PATH_MAX} bytes after unix:`);
    return { path };
  }
  const match = /^(?:(?:\[([^\]]+)\]|([^:]*)):)?(\d+)$/.exec(text);
  const port = Number(match?.[3]);
  const name = match?.[1] ?? match?.[2] ?? '';
  const host = name === '' ? '0.0.0.0' : name === 'localhost' ? '127.0.0.1' : name;
  if (!match || port > 65_535 || isIP(host) === 0)
    throw bad(text, 'HOST:PORT with a numeric host, [IPV6]:PORT or unix:PATH');
  return { host, port };
}

const bad = (text: string, expected: string): SupervisorError =>
  new SupervisorError(
    'ERR_SUPERVISOR_ADDRESS',
    `listen: expected ${expected}, got ${JSON.stringify(text)}.`,
  );

export const showAddress = (address: Address): string => {
  if ('path' in address) return `unix:${address.path}`;
  return address.host.includes(':')
    ? `[${address.host}]:${address.port}`
    : `${address.host}:${address.port}`;
};
