import type { Distribution } from './distribution.ts';

const [WIDTH, HEIGHT, LEFT, TOP] = [560, 300, 60, 20];
const [LEAST_CUT, STEPS] = [1e-4, 120];

/** How much of the work in flight a grace cuts off, on logarithmic axes, as an SVG. */
export function graceplot(durations: Distribution, leaveMs: number, graceMs: number): string {
  const leastMs = Math.max(1, Math.min(graceMs / 100, durations.meanMs / 4));
  const mostMs = Math.max(graceMs * 4, 4 * leastMs);
  const x = (ms: number): number =>
    LEFT + (Math.log(ms / leastMs) / Math.log(mostMs / leastMs)) * WIDTH;
  const y = (cut: number): number =>
    TOP + (Math.log(Math.max(cut, LEAST_CUT)) / Math.log(LEAST_CUT)) * HEIGHT;
  const points = Array.from({ length: STEPS + 1 }, (_, i) => {
    const ms = leastMs * (mostMs / leastMs) ** (i / STEPS);
    const cut = durations.residualSurvival(Math.max(0, ms - leaveMs));
    return `${x(ms).toFixed(1)},${y(cut).toFixed(1)}`;
  });
  const rows = [1, 0.1, 0.01, 0.001, LEAST_CUT].map(
    (cut) =>
      `<path class="grid" d="M${LEFT} ${y(cut).toFixed(1)}h${WIDTH}"/><text x="${LEFT - 6}" y="${(y(cut) + 4).toFixed(1)}" text-anchor="end">${cut * 100} %</text>`,
  );
  const columns = [0.01, 0.1, 1, 10, 60, 600, 3_600]
    .filter((s) => s * 1_000 >= leastMs && s * 1_000 <= mostMs)
    .map(
      (s) =>
        `<path class="grid" d="M${x(s * 1_000).toFixed(1)} ${TOP}v${HEIGHT}"/><text x="${x(s * 1_000).toFixed(1)}" y="${TOP + HEIGHT + 18}" text-anchor="middle">${s} s</text>`,
    );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${LEFT + WIDTH + 20} ${TOP + HEIGHT + 50}" role="img" aria-label="Share of the work in flight that is cut off, by grace">
<style>text{font:13px system-ui,sans-serif;fill:#444}.grid{stroke:#bbb;stroke-width:.5}@media(prefers-color-scheme:dark){text{fill:#ccc}.grid{stroke:#555}}</style>
${[...rows, ...columns].join('\n')}
<path d="M${x(graceMs).toFixed(1)} ${TOP}v${HEIGHT}" stroke="#d55e00" stroke-dasharray="5 4"/>
<polyline points="${points.join(' ')}" fill="none" stroke="#0072b2" stroke-width="2"/>
<text x="${LEFT + WIDTH / 2}" y="${TOP + HEIGHT + 40}" text-anchor="middle">grace; the dashed line is the one planned</text>
</svg>
`;
}
