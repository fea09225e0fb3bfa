#!/usr/bin/env node
import { LastcallError } from 'lastcall';
import { type Config, ConfigError, readConfig } from './config.ts';
import { baseUrl, consoleUrl, greeting, listenProblem } from './greeting.ts';
import { type Service, startService, version } from './service.ts';

const [badConfiguration, fatal] = [2, 1];
const began = performance.now();
const say = (line: string): void => void process.stdout.write(`- ${line}\n`);

function fail(message: string, code: number): never {
  process.stderr.write(`${message}\n`);
  process.exit(code);
}

/** A setting, or the database's word that it will not have us: wrong password, no such database, a newer schema. */
const isConfiguration = (error: unknown): boolean =>
  [
    '28000',
    '28P01',
    '3D000',
    '42501',
    'DATABASE_IS_NEWER',
    'ERR_HANDOVER_NEWER',
    'CONFIGURATION',
  ].includes(String((error as { code?: unknown } | undefined)?.code));

async function listen(config: Config): Promise<Service> {
  try {
    return await startService(config, say);
  } catch (error) {
    const problem = listenProblem(error, { host: config.HOST, port: config.PORT });
    if (problem) fail(problem, badConfiguration);
    if (error instanceof LastcallError) fail(error.message, badConfiguration);
    throw error;
  }
}

async function main(): Promise<void> {
  // Read before the library takes it: of several workers only the first one greets.
  const worker = process.env.LASTCALL_WORKER;
  say(`Lastcall inference service ${version}`);
  const config = readConfig(process.env);
  const { lifecycle, address, open } = await listen(config);
  let failure: unknown;
  lifecycle.handleSignals({
    exit: (code) => process.exit(isConfiguration(failure) ? badConfiguration : code),
  });
  try {
    if (!(await open())) return;
  } catch (error) {
    if (lifecycle.currentStop?.exit) return;
    failure = error ?? new Error('unknown');
    process.stderr.write(`The service cannot start: ${(error as Error).message}\n`);
    await lifecycle.stop({ reason: 'start failed', fatal: failure });
    return;
  }
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  if (worker === undefined || worker === 'w1')
    process.stdout.write(
      greeting(
        baseUrl(address),
        seconds,
        worker !== undefined,
        consoleUrl(process.env.LASTCALL_ADMIN),
      ),
    );
}

main().catch((error: unknown) => {
  if (error instanceof ConfigError) fail(error.message, badConfiguration);
  fail(`The service cannot start: ${(error as Error).stack ?? String(error)}`, fatal);
});
