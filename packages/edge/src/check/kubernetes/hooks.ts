import { startFault } from '../command.ts';
import type { Findings } from '../finding.ts';
import type { Workload } from './workload.ts';

const ENDS_AT_ONCE = new Set(['SIGKILL', 'SIGQUIT', '9', '3']);

/** Hooks that do nothing, and processes that never get the signal. */
export function checkHooks({ containers }: Workload, findings: Findings): void {
  for (const { at, name, words, preStop, times } of containers) {
    const fault = startFault(words);
    if (fault)
      findings.add(
        fault.rule,
        at.get('command').exists ? at.get('command').spot : at.get('args').spot,
        `Container ${name} is started by: ${fault.what}`,
      );
    const signal = at.get('lifecycle', 'stopSignal');
    if (ENDS_AT_ONCE.has(signal.text ?? ''))
      findings.add('LC126', signal.spot, `Container ${name} is stopped by ${signal.text}`, {
        edit: signal.replacement('SIGTERM'),
      });
    if (preStop.path === undefined) continue;
    const path = preStop.at.get('httpGet', 'path');
    if (preStop.method === 'GET' && preStop.path !== '/shutdown/wait') {
      findings.add(
        'LC104',
        path.exists ? path.spot : preStop.at.spot,
        `Container ${name}: the preStop hook sends GET to ${preStop.path}, which takes POST`,
        {
          edit: path.replacement('/shutdown/wait'),
        },
      );
      continue;
    }
    const authorized = preStop.at
      .get('httpGet', 'httpHeaders')
      .list()
      .some((header) => header.get('name').text?.toLowerCase() === 'authorization');
    if (path.exists && !authorized && !times.hasOperators)
      findings.add(
        'LC117',
        path.spot,
        `Container ${name}: the kubelet calls ${preStop.path} from the address of its node, which is no operator here`,
      );
  }
}
