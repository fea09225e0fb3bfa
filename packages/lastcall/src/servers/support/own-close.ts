import { callbackify } from 'node:util';
import type { Lifecycle } from '../../lifecycle/lifecycle.ts';

type Done = (error: Error | null) => void;

interface Closable {
  // A method, so that the narrower signatures of the frameworks fit.
  close(...args: never[]): unknown;
}

/**
 * Takes over an application's own `close()`: it becomes a graceful stop of the lifecycle, and the
 * real one runs among the close hooks, when no work is left that it could cut.
 */
export function closeWithLifecycle(
  lifecycle: Lifecycle,
  name: string,
  app: Closable,
  close: () => unknown = app.close.bind(app),
): void {
  let closed: Promise<unknown> | undefined;
  const closeOnce = (): Promise<unknown> => (closed ??= Promise.resolve().then(close));
  lifecycle.onClose(name, closeOnce);

  async function stopFirst(): Promise<void> {
    // A close hook that closes the application must not wait for the hooks to end.
    if (lifecycle.state !== 'closing') await lifecycle.stop({ reason: `${name} close()` });
    await closeOnce();
  }
  const closeGracefully = (...args: unknown[]): unknown => {
    const done = args.at(-1);
    if (typeof done !== 'function') return stopFirst();
    callbackify(stopFirst)(done as Done);
    return undefined;
  };
  // Nest's applications are proxies that swallow assignments.
  Object.defineProperty(app, 'close', {
    value: closeGracefully,
    writable: true,
    configurable: true,
    enumerable: true,
  });
}
