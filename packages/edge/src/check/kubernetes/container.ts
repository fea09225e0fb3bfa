import { parseDurationMs } from 'lastcall';
import type { Cursor } from '../cursor.ts';
import { serviceTimes, type ServiceTimes } from '../times.ts';

/**
 * What a preStop hook does. `drain`: starts the stop and returns; `wait`: starts it and returns when
 * it is done; `sleep`: time passes and nothing is started.
 */
export interface PreStop {
  kind: 'none' | 'sleep' | 'drain' | 'wait' | 'other';
  sleepMs: number;
  /** The path it calls, when it is one of the contract's. */
  path: string | undefined;
  method: 'GET' | 'POST' | undefined;
  at: Cursor;
}

export interface Container {
  at: Cursor;
  name: string;
  times: ServiceTimes;
  preStop: PreStop;
  words: string[];
}

const PATHS = /\/shutdown\/(?:wait|initiate|reset)|\/-\/shutdown\/drain/;

export function readContainer(at: Cursor): Container {
  const words = [...at.get('command').strings(), ...at.get('args').strings()];
  const preStop = readPreStop(at.get('lifecycle', 'preStop'));
  const hints = preStop.path === undefined ? [] : [preStop.path];
  const times = serviceTimes(readEnv(at), words, hints, at.get('envFrom').list().length > 0);
  return { at, name: at.get('name').text ?? '(no name)', times, preStop, words };
}

function readEnv(at: Cursor): Map<string, string | undefined> {
  return new Map(
    at
      .get('env')
      .list()
      .map((entry) => [entry.get('name').text ?? '', entry.get('value').text]),
  );
}

function readPreStop(at: Cursor): PreStop {
  const none: PreStop = { kind: 'none', sleepMs: 0, path: undefined, method: undefined, at };
  if (!at.exists) return none;
  const asleep = at.get('sleep', 'seconds').number;
  if (asleep !== undefined) return { ...none, kind: 'sleep', sleepMs: asleep * 1_000 };
  const httpPath = at.get('httpGet', 'path').text;
  if (httpPath !== undefined) return { ...none, ...called(httpPath, 'GET') };
  const script = at.get('exec', 'command').strings().join(' ');
  const sleepMs = [...script.matchAll(/\bsleep\s+(\d+(?:\.\d+)?[smh]?)/g)].reduce(
    (total, [, span = '']) => total + (parseDurationMs(span, 's') ?? 0),
    0,
  );
  if (PATHS.test(script)) {
    const posts = /-X\s*POST|--request[ =]POST|--post-|\s-d\s|--data|method:\s*['"]POST/.test(
      script,
    );
    return { ...none, sleepMs, ...called(script, posts ? 'POST' : 'GET') };
  }
  return { ...none, kind: sleepMs > 0 ? 'sleep' : 'other', sleepMs };
}

function called(text: string, method: 'GET' | 'POST'): Pick<PreStop, 'kind' | 'path' | 'method'> {
  const path = PATHS.exec(text)?.[0];
  if (path === undefined) return { kind: 'other', path, method };
  return { kind: path === '/shutdown/wait' ? 'wait' : 'drain', path, method };
}
