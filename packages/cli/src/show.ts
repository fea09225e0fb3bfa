import { showMoves } from './watch/text.ts';

interface WorkerRow {
  name: string;
  pid: number | null;
  generation: number;
  phase: string;
  reason: string | null;
  age_seconds: number;
  in_flight: number | null;
  rss_bytes: number | null;
}

interface Status {
  pid: number;
  state: string;
  uptime_seconds: number;
  generation: number;
  listen: string[];
  workers_wanted: number;
  in_flight: number;
  reload: { generation: number; replaced: number } | null;
  last_reload: { generation: number; ok: boolean; message: string; took_seconds: number } | null;
  last_upgrade: { ok: boolean; message: string } | null;
  restarts: Record<string, number>;
  forced_kills: number;
  moves: Parameters<typeof showMoves>[0];
  workers: WorkerRow[];
}

/** `lastcall status` for people. */
export function showStatus(status: Status): string {
  const { reload, last_reload: last, last_upgrade: upgrade } = status;
  const restarts = Object.entries(status.restarts)
    .filter(([, count]) => count > 0)
    .map(([reason, count]) => `${reason} ${count}`);
  const lines = [
    `${status.state} · pid ${status.pid} · up ${Math.round(status.uptime_seconds)} s · generation ${status.generation}`,
    `listens on ${status.listen.join(', ')}`,
    `in flight ${status.in_flight} · forced kills ${status.forced_kills} · restarts ${restarts.join(', ') || 'none'}`,
  ];
  const moves = showMoves(status.moves);
  if (moves !== '') lines.push(`connections: ${moves}`);
  if (reload)
    lines.push(
      `reload under way: generation ${reload.generation}, ${reload.replaced} of ${status.workers_wanted} replaced`,
    );
  if (last)
    lines.push(
      `last reload (generation ${last.generation}) ${last.ok ? 'done' : 'FAILED'} after ${last.took_seconds} s: ${last.message}`,
    );
  if (upgrade) lines.push(`last upgrade ${upgrade.ok ? 'done' : 'FAILED'}: ${upgrade.message}`);
  return [...lines, '', showWorkers(status.workers)].join('\n');
}

/** `lastcall workers` for people: a table. */
export function showWorkers(workers: WorkerRow[]): string {
  const rows = workers.map((worker) => [
    worker.name,
    String(worker.pid ?? '-'),
    String(worker.generation),
    worker.reason === null ? worker.phase : `${worker.phase} (${worker.reason})`,
    `${Math.round(worker.age_seconds)} s`,
    String(worker.in_flight ?? '-'),
    worker.rss_bytes === null ? '-' : `${Math.round(worker.rss_bytes / 2 ** 20)} MB`,
  ]);
  const table = [['NAME', 'PID', 'GEN', 'PHASE', 'AGE', 'IN FLIGHT', 'MEMORY'], ...rows];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  return table
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
