/** Series by metric family: the text after the name (labels) with its value. */
interface Family {
  type: string;
  help: string;
  series: Map<string, number>;
}

type Families = Map<string, Family>;

/** Gauges where the node's value is the largest of its workers', not their sum. */
const LARGEST = new Set(['drain_duration', 'lastcall_drain_estimate_seconds']);

/**
 * Adds up the metrics of workers. Counters and histograms of workers that have gone stay in the
 * sum, so that none ever falls; gauges are those of the workers alive.
 */
export class MetricsSum {
  readonly #gone: Families = new Map();

  /** The worker has ended: its totals are kept. */
  retain(text: string): void {
    for (const [name, family] of parse(text))
      if (family.type !== 'gauge') add(this.#gone, name, family);
  }

  /** The totals kept so far, to be handed to a successor. */
  retained(): string {
    return render(this.#gone);
  }

  /** The sum over the workers alive and those that have gone. */
  render(alive: readonly string[]): string {
    const sum: Families = new Map();
    for (const text of alive) for (const [name, family] of parse(text)) add(sum, name, family);
    for (const [name, family] of this.#gone) add(sum, name, family);
    return render(sum);
  }
}

function add(into: Families, name: string, { type, help, series }: Family): void {
  const family: Family = into.get(name) ?? { type, help, series: new Map() };
  into.set(name, family);
  for (const [key, value] of series) {
    const before = family.series.get(key);
    family.series.set(key, before === undefined ? value : combine(name, before, value));
  }
}

function combine(name: string, a: number, b: number): number {
  if (!LARGEST.has(name)) return a + b;
  // One worker without an estimate leaves the others' standing.
  if (Number.isNaN(a)) return b;
  return Number.isNaN(b) ? a : Math.max(a, b);
}

/** Parses the Prometheus text format as far as it is rendered by the library. */
export function parse(text: string): Families {
  const families: Families = new Map();
  let current: Family | undefined;
  for (const line of text.split('\n')) {
    const comment = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line);
    if (comment) {
      const [, kind, name = '', rest = ''] = comment;
      current = families.get(name) ?? { type: 'untyped', help: '', series: new Map() };
      families.set(name, current);
      if (kind === 'HELP') current.help = rest;
      else current.type = rest;
      continue;
    }
    // The value is after the last space: a label may hold spaces.
    const at = line.lastIndexOf(' ');
    if (at > 0 && current) current.series.set(line.slice(0, at), toNumber(line.slice(at + 1)));
  }
  return families;
}

function render(families: Families): string {
  return [...families]
    .map(([name, { type, help, series }]) => {
      const lines = [...series].map(([key, value]) => `${key} ${fromNumber(value)}\n`);
      return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
    })
    .join('');
}

const toNumber = (text: string): number =>
  text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : Number(text);

const fromNumber = (value: number): string =>
  value === Infinity ? '+Inf' : value === -Infinity ? '-Inf' : String(value);
