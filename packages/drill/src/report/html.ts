// One self-contained page: no script, no outside resource, and a policy that forbids both.
import { createHash } from 'node:crypto';
import { type CaseResult, type DrillResult, reasonOf, reasons } from '../verdict/summary.ts';
import { escapeMarkup } from './escape.ts';
import { lossText, runsText } from './terminal.ts';
import { timelineSvg } from './svg.ts';

const style = `
:root{color-scheme:light dark;--fg:#1b1f24;--bg:#fff;--soft:#6a737d;--line:#d8dee4;--card:#f6f8fa;
--pass:#1a7f37;--fail:#cf222e;--info:#0969da;--answered:#4ea36a;--refused:#d4a72c;--void:#9aa4af}
@media(prefers-color-scheme:dark){:root{--fg:#e6edf3;--bg:#0d1117;--soft:#8b949e;--line:#30363d;--card:#161b22;
--pass:#3fb950;--fail:#ff7b72;--info:#79c0ff;--answered:#2ea043;--refused:#d29922;--void:#6e7681}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1060px;padding:24px;font:15px/1.5 system-ui,sans-serif;color:var(--fg);background:var(--bg)}
h1{font-size:24px;margin:0 0 4px}h2{font-size:18px;margin:28px 0 8px}p{margin:4px 0}code{font:13px ui-monospace,monospace;overflow-wrap:anywhere}
a{text-underline-offset:3px}.soft{color:var(--soft)}.verdict{display:inline-block;min-width:5.5em;font-weight:600}
.v-pass{color:var(--pass)}.v-fail{color:var(--fail)}.v-informational{color:var(--info)}.v-not-applicable{color:var(--soft)}
details{border:1px solid var(--line);border-radius:6px;margin:6px 0;background:var(--card)}
summary{padding:8px 12px;cursor:pointer}details>div{padding:4px 12px 12px;overflow-x:auto}
pre{background:var(--bg);border:1px solid var(--line);padding:8px;overflow-x:auto;font-size:12px}
svg{display:block;width:100%;min-width:640px;background:var(--bg);border:1px solid var(--line);border-radius:4px}
svg text{font:10px system-ui,sans-serif;fill:var(--soft)}svg text.mark-text{fill:var(--fg)}svg text.tick{text-anchor:middle}svg text.before{text-anchor:end}
.grid{stroke:var(--line);stroke-width:.5}.open{stroke:var(--void);stroke-width:1}
rect.answered{fill:var(--answered)}rect.refused{fill:var(--refused)}rect.lost,rect.pending{fill:var(--fail)}rect.void{fill:var(--void)}
.close-fin,.close-local{fill:var(--void)}.close-reset{fill:var(--fail)}
.mark{stroke:var(--info);stroke-width:1;stroke-dasharray:3 2}.mark.signal{stroke:var(--fail);stroke-dasharray:none}.mark.exit{stroke:var(--fg);stroke-dasharray:none}
.key span{display:inline-block;margin-right:14px}.key i{display:inline-block;width:10px;height:10px;border-radius:2px;margin-right:4px}
.k-answered{background:var(--answered)}.k-refused{background:var(--refused)}.k-lost{background:var(--fail)}.k-void{background:var(--void)}
`;

export function htmlReport(result: DrillResult): string {
  const hash = createHash('sha256').update(style).digest('base64');
  const failures = reasons(result);
  const failed = result.cases.filter((one) => reasonOf(result, one) !== undefined);
  const verdict = failures.length === 0 ? 'pass' : 'fail';
  const byArea = Map.groupBy(result.cases, (one) => one.case.slug.split('/')[0] ?? '');
  const count = (name: string): number => result.cases.filter((one) => one.verdict === name).length;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>Drill: ${escapeMarkup(result.command)}</title>
<style>${style}</style>
</head>
<body>
<h1>Drill of <code>${escapeMarkup(result.command)}</code></h1>
<p><strong class="v-${verdict}">${verdict.toUpperCase()}</strong>: ${count('pass')} passed, ${count('fail')} failed, ${count('not applicable')} not applicable, ${count('informational')} informational</p>
<p class="soft">${result.startedAt.toISOString()}, ${(result.durationMs / 1000).toFixed(1)} s, seed ${result.seed}, confidence ${result.confidence}</p>
${failed.length === 0 ? failures.map((reason) => `<p class="v-fail">${escapeMarkup(reason)}</p>`).join('\n') : ''}
${failed.map((one) => `<p><a class="v-fail" href="#${one.case.slug}">${escapeMarkup(reasonOf(result, one) ?? '')}</a></p>`).join('\n')}
<p class="key"><span><i class="k-answered"></i>answered</span><span><i class="k-refused"></i>refused (503)</span><span><i class="k-lost"></i>lost</span><span><i class="k-void"></i>not owed</span><span>time runs from the signal</span></p>
${[...byArea].map(([area, cases]) => areaHtml(area, cases)).join('\n')}
</body>
</html>
`;
}

function areaHtml(area: string, cases: readonly CaseResult[]): string {
  const [left, asked] = [true, false].map((not) =>
    cases.filter((one) => (one.verdict === 'not applicable') === not),
  );
  const parts = [`<h2>${escapeMarkup(area)}</h2>`, ...(asked ?? []).map(caseHtml)];
  if (left !== undefined && left.length > 0) parts.push(leftHtml(left));
  return parts.join('\n');
}

/** Cases that do not apply take a line each, together: there is nothing to see in them. */
function leftHtml(cases: readonly CaseResult[]): string {
  const lines = cases.map(
    (one) =>
      `<p>${one.case.level} <code>${one.case.slug}</code> <span class="soft">${escapeMarkup(one.shown.actual ?? '')}</span></p>`,
  );
  return (
    `<details><summary><span class="verdict v-not-applicable">${cases.length} not applicable</span></summary>` +
    `<div>${lines.join('\n')}</div></details>`
  );
}

function caseHtml(one: CaseResult): string {
  const { shown } = one;
  const kind = one.verdict.replace(' ', '-');
  const lines = [
    `<p>${escapeMarkup(one.case.sentence)}</p>`,
    `<p class="soft">${escapeMarkup(one.case.source)}</p>`,
  ];
  if (one.verdict === 'fail') {
    lines.push(`<p>Expected: ${escapeMarkup(shown.expected ?? '')}</p>`);
    lines.push(`<p class="v-fail">Got: ${escapeMarkup(shown.actual ?? '')}</p>`);
  } else if (shown.actual !== undefined) lines.push(`<p>${escapeMarkup(shown.actual)}</p>`);
  if (one.runs.length > 1) lines.push(`<p>${runsText(one)}</p>`);
  if (one.case.load === true && one.totals.owed > 0)
    lines.push(`<p>${escapeMarkup(lossText(one))}</p>`);
  for (const note of shown.notes) lines.push(`<p>${escapeMarkup(note)}</p>`);
  if (shown.timeline !== undefined)
    lines.push(timelineSvg(shown.timeline, `Timeline of ${one.case.slug}`));
  if (shown.output !== undefined) lines.push(`<pre>${escapeMarkup(shown.output)}</pre>`);
  const open = one.verdict === 'fail' ? ' open' : '';
  return (
    `<details id="${one.case.slug}"${open}><summary><span class="verdict v-${kind}">${one.verdict}</span> ` +
    `${one.case.level} <code>${one.case.slug}</code></summary><div>${lines.join('\n')}</div></details>`
  );
}
