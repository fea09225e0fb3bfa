import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP, isIPv6 } from 'node:net';
import { type ResolvedOptions, toBlockList } from '../options.ts';

/** Request headers, their names in lower case. */
export type Headers = Readonly<Record<string, string | string[] | undefined>> & {
  readonly authorization?: string | undefined;
  readonly host?: string | undefined;
};

/** One call of an endpoint, as far as access is concerned. */
export interface Caller {
  headers: Headers;
  /** Address of the peer of the connection; no header is asked. */
  remoteAddress: string | undefined;
}

/** Headers that say that a proxy stands between: the peer's address is then not the caller's. */
const PROXIED = new Set(['forwarded', 'via', 'x-real-ip']);

/** Decides who is an operator. See the contract: loopback, a configured address, or a bearer token. */
export class Access {
  readonly #token: Buffer | undefined;
  readonly #cidrs: ReturnType<typeof toBlockList>;
  readonly #loopback = toBlockList(['127.0.0.0/8', '::1']);

  constructor({
    operatorToken,
    operatorCidrs,
  }: Pick<ResolvedOptions, 'operatorToken' | 'operatorCidrs'>) {
    this.#token = operatorToken === undefined ? undefined : digest(operatorToken);
    this.#cidrs = toBlockList(operatorCidrs);
  }

  isOperator(caller: Caller): boolean {
    if (this.#hasToken(caller.headers.authorization)) return true;
    const address = plainAddress(caller.remoteAddress);
    if (address === undefined || isProxied(caller.headers) || isForeignPage(caller.headers))
      return false;
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    // A page whose name was made to point here (DNS rebinding) shows in Host.
    const named = namesThisMachine(caller.headers.host);
    if (this.#cidrs.check(address, family)) return named || !isPage(caller.headers);
    return named && this.#loopback.check(address, family);
  }

  #hasToken(authorization: string | undefined): boolean {
    const match = /^Bearer +(\S+) *$/i.exec(authorization ?? '');
    if (!this.#token || !match?.[1]) return false;
    // Digests have one length, so the comparison tells nothing about the token's.
    return timingSafeEqual(digest(match[1]), this.#token);
  }
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** An IPv4 address that came over an IPv6 socket, in its plain form (RFC 4291 section 2.5.5.2). */
function plainAddress(address: string | undefined): string | undefined {
  const plain = address?.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
  return plain !== undefined && isIP(plain) !== 0 ? plain : undefined;
}

function isProxied(headers: Headers): boolean {
  return Object.keys(headers).some((name) => PROXIED.has(name) || name.startsWith('x-forwarded-'));
}

/** A request that a browser made for a page of another site (Fetch Metadata, RFC 6454). */
function isForeignPage(headers: Headers): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  const { origin, host } = headers;
  return origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`;
}

/** A request of a browser, which no script can keep from sending these. Node's own fetch says `*`. */
function isPage({ origin, 'accept-language': language }: Headers): boolean {
  return origin !== undefined || (language !== undefined && language !== '*');
}

function namesThisMachine(host: string | undefined): boolean {
  if (host === undefined || host === '') return true;
  const name = host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  return name.toLowerCase() === 'localhost' || isIP(name) !== 0;
}
