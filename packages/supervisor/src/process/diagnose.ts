import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const LIMIT_MS = 5_000;

interface Frame {
  functionName: string;
  location: { scriptId: string; lineNumber: number; columnNumber: number };
}

export interface HungProcess {
  readonly pid: number | undefined;
  signal(signal: NodeJS.Signals): void;
  /** Resolves with the first match on standard error. */
  stderrMatch(pattern: RegExp): Promise<string>;
}

/**
 * Finds out where the event loop of a Node process hangs, and breaks the call that holds it, so that
 * the loop turns again and can cancel its work in order. SIGUSR1 makes Node open its inspector on a
 * loopback port from a thread of its own, which works while JavaScript does not return.
 */
export async function diagnose(process: HungProcess, name: string, dir: string): Promise<string> {
  const stack = await stackOf(process).catch((error: Error) => `no stack: ${error.message}`);
  const text = [
    `${name} (pid ${process.pid}): the event loop hangs`,
    '',
    stack,
    '',
    kernelView(process.pid),
  ].join('\n');
  try {
    mkdirSync(dir, { recursive: true });
    const path = join(dir, `hung-${name}-${process.pid}.txt`);
    writeFileSync(path, `${text}\n`, { mode: 0o600 });
    return `${stack.split('\n')[0]?.trim()} (whole report: ${path})`;
  } catch (error) {
    return `${stack.split('\n')[0]?.trim()} (no report: ${(error as Error).message})`;
  }
}

async function stackOf(process: HungProcess): Promise<string> {
  const address = process.stderrMatch(/ws:\/\/127\.0\.0\.1:\d+\/\S+/);
  process.signal('SIGUSR1');
  const limit = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => limit.reject(new Error(`no answer within ${LIMIT_MS} ms`)),
    LIMIT_MS,
  );
  try {
    const url = await Promise.race([address, limit.promise]);
    return await Promise.race([pauseAndBreak(url), limit.promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function pauseAndBreak(url: string): Promise<string> {
  const socket = new WebSocket(url);
  const done = Promise.withResolvers<string>();
  let id = 0;
  let frames: Frame[] = [];
  const scripts = new Map<string, string>();
  const send = (method: string): void => socket.send(JSON.stringify({ id: ++id, method }));
  socket.addEventListener('error', () => done.reject(new Error('the inspector refused')));
  socket.addEventListener('open', () => {
    send('Debugger.enable');
    send('Debugger.pause');
  });
  socket.addEventListener('message', ({ data }) => {
    const message = JSON.parse(String(data)) as {
      id?: number;
      method?: string;
      params?: { callFrames: Frame[]; scriptId: string; url: string };
    };
    const { method, params } = message;
    if (method === 'Debugger.scriptParsed' && params) scripts.set(params.scriptId, params.url);
    else if (method === 'Debugger.paused') {
      frames = params?.callFrames ?? [];
      send('Debugger.resume');
      send('Runtime.terminateExecution');
    } else if (message.id === 4)
      done.resolve(frames.map((frame) => line(frame, scripts)).join('\n'));
  });
  try {
    return await done.promise;
  } finally {
    socket.close();
  }
}

function line({ functionName, location }: Frame, scripts: Map<string, string>): string {
  const { scriptId, lineNumber, columnNumber } = location;
  const url = scripts.get(scriptId) ?? 'unknown';
  return `    at ${functionName || '(anonymous)'} (${url}:${lineNumber + 1}:${columnNumber + 1})`;
}

/** What the kernel knows: state, memory, and what a process that waits in it waits for. */
function kernelView(pid: number | undefined): string {
  const read = (file: string): string => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, 'utf8');
    } catch {
      return '';
    }
  };
  const facts = read('status')
    .split('\n')
    .filter((fact) => /^(State|VmRSS|Threads|SigBlk|SigCgt)/.test(fact));
  return [...facts, `wchan: ${read('wchan') || 'unknown'}`].join('\n');
}
