import { getHeapStatistics } from 'node:v8';
import { isLive } from '../core/model.ts';
import { countsOf } from '../node/counts.ts';
import { showAddress } from '../sockets/address.ts';
import type { Supervisor } from '../supervisor.ts';

/** One worker, as `lastcall workers` shows it. */
export interface WorkerStatus {
  name: string;
  pid: number | null;
  generation: number;
  phase: string;
  reason: string | null;
  age_seconds: number;
  in_flight: number | null;
  in_flight_by_kind: Record<string, number>;
  rss_bytes: number | null;
}

export function workersStatus({ fleet }: Pick<Supervisor, 'fleet'>): WorkerStatus[] {
  return [...fleet.processes].map(([{ name, generation, at }, process]) => ({
    name,
    pid: process.pid ?? null,
    generation,
    phase: at.phase,
    reason: at.phase === 'retiring' ? at.reason : null,
    age_seconds: seconds(performance.now() - process.startedMs),
    in_flight: process.figures?.inFlight ?? null,
    in_flight_by_kind: process.figures?.inFlightByKind ?? {},
    rss_bytes: process.figures?.rssBytes ?? null,
  }));
}

/** Open connections that workers which retire give to others; all but `on_their_way` since the start. */
export interface MovesStatus {
  moved: number;
  on_their_way: number;
  /** By reason. */
  stayed: Record<string, number>;
}

export function movesStatus({ fleet }: Supervisor): MovesStatus {
  const { moved, stayed } = countsOf(fleet);
  return { moved, on_their_way: fleet.moves.onTheirWay, stayed };
}

/** The node, as `lastcall status` shows it. */
export async function nodeStatus(supervisor: Supervisor): Promise<Record<string, unknown>> {
  const { node, doors, fleet, log } = supervisor;
  const status = await doors.status();
  return {
    pid: process.pid,
    state: node.stopping ? 'stopping' : node.paused ? 'paused' : status.state,
    uptime_seconds: seconds(performance.now() - supervisor.startedMs),
    generation: node.generation,
    listen: supervisor.addresses().map(({ address }) => showAddress(address)),
    workers_wanted: node.target,
    workers_live: node.workers.filter(isLive).length,
    workers_retiring: node.workers.filter(({ at }) => at.phase === 'retiring').length,
    in_flight: status.inFlight,
    in_flight_by_kind: status.inFlightByKind,
    reload: node.rollout
      ? { generation: node.rollout.generation, replaced: node.rollout.promoted }
      : null,
    last_reload: node.lastReload
      ? {
          generation: node.lastReload.generation,
          ok: node.lastReload.ok,
          message: node.lastReload.message,
          took_seconds: seconds(node.lastReload.tookMs),
        }
      : null,
    last_upgrade: supervisor.lastUpgrade ?? null,
    restarts: fleet.restarts,
    forced_kills: fleet.forcedKills,
    killed_leases: countsOf(fleet).killedLeases,
    moves: movesStatus(supervisor),
    log_lines_lost: log.lost,
    supervisor: {
      heap_used_bytes: getHeapStatistics().used_heap_size,
      timers: process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length,
    },
    workers: workersStatus(supervisor),
  };
}

const seconds = (ms: number): number => Math.round(ms) / 1_000;
