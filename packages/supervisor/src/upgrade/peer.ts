import type { ChildProcess } from 'node:child_process';
import type { DrainResult } from 'lastcall';
import {
  type Channel,
  type Handle,
  takeConnections,
  Outbox,
  sendOver,
  type WireStatus,
} from 'lastcall/supervised';
import type { MovePeer } from '../moves.ts';
import type { NodeDoors, NodePeer } from '../node/doors.ts';
import type { Share } from '../node/share.ts';
import type { PeerMessage, PeerQuestion } from './protocol.ts';

type Question = Extract<PeerMessage, { upgrade: 'ask' }>;
type Connected = ChildProcess | NodeJS.Process;

/**
 * The other supervisor of this node during an upgrade: each asks the other for its part, so that
 * both answer for the whole node. One that has gone has no part any more.
 */
export class Peer implements NodePeer, MovePeer {
  readonly moves = new Outbox((message, handle) =>
    this.#write({ upgrade: 'move', message }, handle),
  );
  readonly #channel: Connected;
  readonly #asked = new Map<number, (value: unknown) => void>();
  #nextId = 0;

  constructor(
    channel: Connected,
    doors: NodeDoors,
    onMessage: (message: PeerMessage, handle: Handle | undefined) => void,
  ) {
    this.#channel = channel;
    const on = channel.on.bind(channel) as (
      event: string,
      listener: (raw: unknown, handle?: Handle) => void,
    ) => void;
    on('message', (raw, handle) => {
      const message = raw as PeerMessage;
      if (message.upgrade === 'ask') void this.#answer(doors, message);
      else if (message.upgrade === 'answer') this.#settle(message.id, message.value);
      else onMessage(message, handle);
    });
    takeConnections(channel as Channel, (raw) => onMessage(raw as PeerMessage, undefined));
    on('disconnect', () => {
      for (const id of this.#asked.keys()) this.#settle(id, undefined);
    });
  }

  status(): Promise<WireStatus | undefined> {
    return this.#ask('status') as Promise<WireStatus | undefined>;
  }

  metrics(): Promise<string | undefined> {
    return this.#ask('metrics') as Promise<string | undefined>;
  }

  begin(how: 'initiate' | 'drain', reason: string): Promise<true | undefined> {
    return this.#ask(how, reason) as Promise<true | undefined>;
  }

  resume(): Promise<boolean | undefined> {
    return this.#ask('resume') as Promise<boolean | undefined>;
  }

  wait(): Promise<DrainResult | undefined> {
    return this.#ask('wait') as Promise<DrainResult | undefined>;
  }

  share(): Promise<Share | undefined> {
    return this.#ask('share') as Promise<Share | undefined>;
  }

  tell(message: PeerMessage): void {
    this.moves.flush();
    this.#write(message);
  }

  #write(message: PeerMessage, handle?: Handle): void {
    if (this.#channel.connected) sendOver(this.#channel as Channel, message, handle);
  }

  #ask(what: PeerQuestion, reason = 'upgrade'): Promise<unknown> {
    if (!this.#channel.connected) return Promise.resolve(undefined);
    const id = ++this.#nextId;
    this.tell({ upgrade: 'ask', id, what, reason });
    return new Promise((resolve) => {
      this.#asked.set(id, resolve);
    });
  }

  async #answer(doors: NodeDoors, { id, what, reason = 'upgrade' }: Question): Promise<void> {
    const own = {
      status: () => doors.ownStatus(),
      metrics: () => doors.ownMetrics(),
      initiate: () => doors.ownBegin('initiate', reason),
      drain: () => doors.ownBegin('drain', reason),
      resume: () => doors.ownResume(),
      wait: () => doors.ownWait(reason),
      share: () => doors.ownShare(),
    };
    this.tell({ upgrade: 'answer', id, value: await own[what]() });
  }

  #settle(id: number, value: unknown): void {
    this.#asked.get(id)?.(value);
    this.#asked.delete(id);
  }
}
