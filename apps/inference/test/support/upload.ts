import { createHash } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';

export const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();
export const digestField = (bytes: Uint8Array): string =>
  `sha-256=:${sha256(bytes).toString('base64')}:`;

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
}

/** A PUT whose body the test sends piece by piece. */
export interface Upload {
  readonly request: http.ClientRequest;
  readonly answer: Promise<Answer>;
  send(bytes: Uint8Array): Promise<void>;
  end(bytes?: Uint8Array): void;
  /** Breaks the connection off. */
  cut(): void;
}

export function startUpload(
  url: string,
  path: string,
  headers: http.OutgoingHttpHeaders = {},
): Upload {
  const request = http.request(`${url}${path}`, { method: 'PUT', headers, agent: false });
  const answer = (async (): Promise<Answer> => {
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      text: Buffer.concat(chunks).toString(),
    };
  })();
  answer.catch(() => undefined); // told to whoever awaits it
  request.on('error', () => undefined);
  return {
    request,
    answer,
    send: (bytes) =>
      new Promise((resolve, reject) => {
        request.write(bytes, (error) => (error ? reject(error) : resolve()));
      }),
    end: (bytes) => void request.end(bytes),
    cut: () => void request.destroy(),
  };
}

/** The part of `bytes` from `start` on, in one request. */
export function put(
  url: string,
  name: string,
  bytes: Uint8Array,
  {
    start = 0,
    end = bytes.length,
    headers = {},
  }: {
    start?: number;
    end?: number;
    headers?: http.OutgoingHttpHeaders;
  } = {},
): Promise<Answer> {
  const upload = startUpload(url, `/v1/models/${name}`, {
    ...(start > 0 || end < bytes.length
      ? { 'content-range': `bytes ${start}-${end - 1}/${bytes.length}` }
      : {}),
    'content-length': end - start,
    ...headers,
  });
  upload.end(bytes.subarray(start, end));
  return upload.answer;
}

/** How much of an upload the service has; NaN when it knows of none. */
export async function offsetOf(url: string, name: string): Promise<number> {
  const { headers } = await fetch(`${url}/v1/models/${name}`, { method: 'HEAD' });
  return Number(headers.get('upload-offset') ?? Number.NaN);
}

export async function untilOffset(url: string, name: string, least: number): Promise<number> {
  for (;;) {
    const offset = await offsetOf(url, name);
    if (offset >= least) return offset;
  }
}

export async function modelIds(url: string): Promise<string[]> {
  const list = (await (await fetch(`${url}/v1/models`)).json()) as { data: { id: string }[] };
  return list.data.map(({ id }) => id);
}
