import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { type FlightRecord, type Flights, readFlights } from 'lastcall/supervised';
import { UsageError } from './errors.ts';
import { whole } from './parse.ts';
import { clean } from './watch/text.ts';

/** A record as it is kept: the supervisor adds which worker it was. */
type Kept = FlightRecord & { worker?: string; generation?: number };

interface Flags {
  dir: string;
  lines: number;
  json?: boolean;
}

/** `lastcall stops`: the stops that were recorded in a folder, the last one last. */
export function stopsCommand(): Command {
  return new Command('stops')
    .description('past stops: why, how long, what became of the work')
    .option(
      '--dir <PATH>',
      "folder with stops.jsonl: recordDir of a service, or the supervisor's",
      process.env.LASTCALL_RECORD_DIR || '.lastcall',
    )
    .option('-n, --lines <N>', 'how many', whole(1, 1e9), 20)
    .option('--json', 'print JSON, one record a line')
    .action(({ dir, lines, json }: Flags, command: Command) => {
      // A service that has never stopped has no folder yet.
      if (command.getOptionValueSource('dir') === 'cli' && !isFolder(dir))
        throw new UsageError(
          `--dir: expected a folder with stops.jsonl, got ${dir}. Give the recordDir of the service, or the folder of the supervisor's control socket.`,
        );
      const { records, broken, leftOut } = readStops(dir);
      const shown = records.slice(-lines);
      if (json) for (const record of shown) process.stdout.write(`${JSON.stringify(record)}\n`);
      else process.stdout.write(`${showStops(shown, dir)}\n`);
      if (broken > 0) process.stderr.write(`lastcall: ${broken} broken lines left out\n`);
      if (leftOut && leftOut.newerRecords < lines)
        process.stderr.write(
          `lastcall: the front of ${leftOut.path}, ${(leftOut.bytes / 2 ** 20).toFixed(1)} MiB, was left out: of each file the last 4 MiB are read\n`,
        );
    });
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

function readStops(dir: string): Flights & { records: Kept[] } {
  try {
    return readFlights(resolve(dir));
  } catch (cause) {
    throw new UsageError(`--dir: the stops in ${dir} cannot be read: ${(cause as Error).message}.`);
  }
}

function showStops(records: readonly Kept[], dir: string): string {
  if (records.length === 0) return `No stop is recorded in ${dir}.`;
  return records.map((record) => show(record).map(clean).join('\n')).join('\n\n');
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(2)} s`;

/** What a record quotes may hold what a terminal would act on, so each line is cleaned in the end. */
function show(record: Kept): string[] {
  const { phases, estimate, outcomes, exitCode } = record;
  const who = record.worker === undefined ? record.name : `${record.name} ${record.worker}`;
  const end = record.result === 'stopped' ? `exit ${exitCode}` : record.result;
  const ends = Object.entries(outcomes)
    .filter(([outcome, count]) => outcome === 'lost' || count > 0)
    .map(([outcome, count]) => `${outcome} ${count}`);
  const kinds = Object.entries(record.inFlightByKind).map(([kind, count]) => `${kind} ${count}`);
  const lines = [
    `${record.startedAt}  ${who} (pid ${record.pid}): ${record.reason}, ${end} after ${seconds(record.durationMs)}`,
    `  phases     ${phases.map(({ state, durationMs }) => `${state} ${seconds(durationMs)}`).join(', ')}`,
    `  in flight  ${record.inFlightAtStart}${kinds.length > 0 ? ` (${kinds.join(', ')})` : ''}`,
    `  outcomes   ${ends.join(', ')}; refused ${record.refused}, late ${record.lateArrivals}`,
  ];
  if (estimate.factMs !== null) {
    const expected =
      estimate.p90Ms === null
        ? `no estimate: ${estimate.reason ?? 'the drain never began'}`
        : `p50 ${seconds(estimate.p50Ms ?? 0)}, p90 ${seconds(estimate.p90Ms)}`;
    lines.push(`  drained    in ${seconds(estimate.factMs)} (${expected})`);
  }
  if (record.failure !== null) lines.push(`  failed     ${record.failure}`);
  return lines;
}
