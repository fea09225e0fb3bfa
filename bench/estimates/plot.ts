/** One line of a calibration plot: how often the estimate for each nominal share held. */
export interface Series {
  name: string;
  points: readonly (readonly [nominal: number, held: number])[];
}

const SIZE = 420;
const LEFT = 56;
const TOP = 20;
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#7a7a7a'];

const x = (share: number): string => (LEFT + share * SIZE).toFixed(1);
const y = (share: number): string => (TOP + (1 - share) * SIZE).toFixed(1);

/** The calibration plot: on the diagonal the estimates hold as often as they say. */
export function calibrationPlot(series: readonly Series[]): string {
  const ticks = [0, 0.2, 0.4, 0.6, 0.8, 1];
  const grid = ticks.map(
    (tick) =>
      `<path class="grid" d="M${x(tick)} ${y(0)}V${y(1)}M${x(0)} ${y(tick)}H${x(1)}"/>` +
      `<text x="${x(tick)}" y="${TOP + SIZE + 18}" text-anchor="middle">${tick * 100} %</text>` +
      `<text x="${LEFT - 8}" y="${y(tick)}" dy="4" text-anchor="end">${tick * 100} %</text>`,
  );
  const lines = series.map(({ name, points }, i) => {
    const colour = COLOURS[i % COLOURS.length];
    const path = points.map(([nominal, held]) => `${x(nominal)},${y(held)}`).join(' ');
    const key = TOP + 24 + i * 22;
    return (
      `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>` +
      points
        .map(
          ([nominal, held]) =>
            `<circle cx="${x(nominal)}" cy="${y(held)}" r="3" fill="${colour}"/>`,
        )
        .join('') +
      `<path d="M${LEFT + SIZE + 20} ${key}h24" stroke="${colour}" stroke-width="3"/>` +
      `<text x="${LEFT + SIZE + 52}" y="${key + 4}">${name}</text>`
    );
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${LEFT + SIZE + 190} ${TOP + SIZE + 50}" role="img" aria-label="How often each estimate held">
<style>text{font:13px system-ui,sans-serif;fill:#444}.grid{stroke:#bbb;stroke-width:.5;fill:none}@media(prefers-color-scheme:dark){text{fill:#ccc}.grid{stroke:#555}}</style>
${grid.join('\n')}
<path class="grid" d="M${x(0)} ${y(0)}L${x(1)} ${y(1)}" stroke-dasharray="5 4" style="stroke-width:1.5"/>
${lines.join('\n')}
<text x="${x(0.5)}" y="${TOP + SIZE + 40}" text-anchor="middle">the share that the estimate names</text>
<text transform="translate(14 ${y(0.5)}) rotate(-90)" text-anchor="middle">the share of drains that had ended</text>
</svg>
`;
}
