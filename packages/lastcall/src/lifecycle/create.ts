import { LastcallError } from '../errors.ts';
import { type LifecycleOptions, resolveOptions } from '../options.ts';
import { superviseWorker } from '../supervised/link.ts';
import { Lifecycle } from './lifecycle.ts';

/**
 * Makes the lifecycle of this process. Options may also come from the environment, which wins.
 * Throws `ERR_LASTCALL_OPTION`, `ERR_LASTCALL_OPTION_UNKNOWN`, `ERR_LASTCALL_BUDGET` or
 * `ERR_LASTCALL_NODE`.
 */
export function createLifecycle(options: LifecycleOptions = {}): Lifecycle {
  if (!('withResolvers' in Promise)) {
    const { node } = process.versions;
    throw new LastcallError(
      'ERR_LASTCALL_NODE',
      `expected Node.js 22.18 or later, got ${node}. Run the service on a newer one.`,
      { node },
    );
  }
  const lifecycle = new Lifecycle(resolveOptions(options));
  // A worker that serves no port, jobs alone, is known to its supervisor from here on.
  void lifecycle.when('ready').then(() => superviseWorker(lifecycle));
  return lifecycle;
}
