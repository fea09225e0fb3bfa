import { syntaxError } from '../../config/position.ts';
import { startFault } from '../command.ts';
import type { Findings } from '../finding.ts';

interface Instruction {
  name: string;
  value: string;
  offset: number;
  line: number;
}

/** How the image of a Dockerfile is started and stopped; the last stage counts. */
export function checkDockerfile(text: string, file: string, findings: Findings): void {
  const all = instructions(text);
  const [first] = all;
  if (!first || !all.some(({ name }) => name === 'FROM'))
    throw syntaxError(file, text, 0, 'Expected a FROM instruction');
  const stage = all.slice(all.findLastIndex(({ name }) => name === 'FROM'));
  const signal = stage.findLast(({ name }) => name === 'STOPSIGNAL');
  if (signal && /^(SIGKILL|SIGQUIT|9|3)$/.test(signal.value))
    findings.add('LC302', spot(file, signal), `The image is stopped by ${signal.value}`);
  const entry = stage.findLast(({ name }) => name === 'ENTRYPOINT');
  const command = stage.findLast(({ name }) => name === 'CMD');
  const start = entry ?? command;
  if (!start) return;
  const tail = entry && command && command !== entry ? words(command.value) : [];
  const fault = startFault([...words(start.value), ...tail]);
  if (fault) findings.add(fault.rule, spot(file, start), `The image is started by: ${fault.what}`);
}

const spot = (file: string, { line }: Instruction) => ({ file, line, column: 1 });

/** The list form as it is; the text form is run by a shell. */
function words(value: string): string[] {
  try {
    const list = JSON.parse(value) as unknown;
    if (Array.isArray(list)) return list.map(String);
  } catch {
    // It is the text form.
  }
  return ['/bin/sh', '-c', value];
}

function instructions(text: string): Instruction[] {
  const found: Instruction[] = [];
  let open: Instruction | undefined;
  let offset = 0;
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    const at = offset;
    offset += raw.length + 1;
    if (line.startsWith('#') || line === '') continue;
    const body = line.replace(/\\$/, '').trim();
    if (open) open.value += ` ${body}`;
    else {
      const [name = '', ...rest] = body.split(/\s+/);
      open = { name: name.toUpperCase(), value: rest.join(' '), offset: at, line: index + 1 };
      found.push(open);
    }
    if (!line.endsWith('\\')) open = undefined;
  }
  return found;
}
