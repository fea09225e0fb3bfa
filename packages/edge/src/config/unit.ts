import { positionAt, syntaxError, type Position } from './position.ts';

/** One setting of a systemd unit. */
export interface Setting {
  section: string;
  name: string;
  value: string;
  position: Position;
  /** Where the value stands. */
  start: number;
  end: number;
}

/** Reads a systemd unit file; throws `ERR_EDGE_SYNTAX` with line and column. */
export function parseUnit(text: string, file: string): Setting[] {
  const settings: Setting[] = [];
  let section = '';
  let offset = 0;
  let open: Setting | undefined;
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    const start = offset;
    offset += raw.length + 1;
    const comment = line.startsWith('#') || line.startsWith(';');
    if (open) {
      // systemd.syntax(7): what goes on does so on the next line that is no comment.
      if (comment) continue;
      open.value += ` ${line.replace(/\\$/, '').trim()}`;
      if (!line.endsWith('\\')) open = undefined;
      continue;
    }
    if (line === '' || comment) continue;
    const header = /^\[(.+)\]$/.exec(line);
    if (header) {
      section = header[1]!;
      continue;
    }
    const match = /^\s*([A-Za-z0-9-]+)\s*=\s*/.exec(raw);
    if (!match) throw syntaxError(file, text, start, 'Expected Name=value or [Section]');
    if (section === '') throw syntaxError(file, text, start, 'A setting stands before [Section]');
    const setting: Setting = {
      section,
      name: match[1]!,
      value: line
        .slice(line.indexOf('=') + 1)
        .replace(/\\$/, '')
        .trim(),
      position: positionAt(text, start),
      start: start + match[0].length,
      end: start + raw.trimEnd().length,
    };
    settings.push(setting);
    if (line.endsWith('\\')) open = setting;
  }
  return settings;
}

const UNIT_MS: Record<string, number> = {
  us: 0.001,
  ms: 1,
  s: 1_000,
  sec: 1_000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  hr: 3_600_000,
  d: 86_400_000,
};

/** `90`, `5min 20s`, `infinity` as systemd.time(7) reads them; undefined when it is none. */
export function parseSystemdSpanMs(text: string): number | undefined {
  if (text === 'infinity') return Infinity;
  let total = 0;
  const rest = text.replaceAll(
    /(\d+(?:\.\d+)?)\s*([a-z]*)\s*/g,
    (_, count: string, unit: string) => {
      total += Number(count) * (UNIT_MS[unit === '' ? 's' : unit] ?? Number.NaN);
      return '';
    },
  );
  return rest.trim() === '' && text !== '' && !Number.isNaN(total) ? total : undefined;
}
