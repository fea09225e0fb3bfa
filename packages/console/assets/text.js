/** A time for people; `?` while it is unknown. */
export function seconds(ms) {
  if (ms === null || ms === undefined) return '?';
  if (ms < 10_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms < 600_000) return `${Math.round(ms / 1_000)} s`;
  if (ms < 36_000_000) return `${Math.round(ms / 60_000)} min`;
  return ms < 172_800_000 ? `${Math.round(ms / 3_600_000)} h` : `${Math.round(ms / 86_400_000)} d`;
}

export const list = (counts) =>
  Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(' · ');

/** Whether the node takes no new work, or soon will not. */
export const isAway = (state) => state !== 'ready' && state !== 'starting';
