import { existsSync, realpathSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { EdgeError } from '../errors.ts';
import { type Cursor, readYaml } from './cursor.ts';
import { type CheckOptions, type Finding, Findings } from './finding.ts';
import { checkCompose } from './formats/compose.ts';
import { checkDockerfile } from './formats/dockerfile.ts';
import { checkHaproxy } from './formats/haproxy.ts';
import { checkNginx } from './formats/nginx.ts';
import { checkUnit } from './formats/unit.ts';
import { checkKubernetes } from './kubernetes/index.ts';
import { readText } from '../read-text.ts';

export const CHECK_DEFAULTS: CheckOptions = { marginMs: 3_000, leaveMs: 5_000 };

/**
 * Checks manifests, units, compose files, Dockerfiles and proxy configurations: their time budgets
 * and what keeps a service from draining. The files of one call belong together. Findings come in
 * the order of files and lines. Throws `ERR_EDGE_SYNTAX` or `ERR_EDGE_CONFIG`.
 */
export function checkFiles(
  files: readonly string[],
  options: Partial<CheckOptions> = {},
): Finding[] {
  const findings = new Findings({ ...CHECK_DEFAULTS, ...options });
  const objects: Cursor[] = [];
  for (const file of once(files)) {
    const text = readText(file);
    if (/\.ya?ml$|\.json$/.test(file)) {
      for (const root of readYaml(text, file)) {
        if (root.get('kind').exists) objects.push(root);
        else if (root.get('services').exists) checkCompose(root, findings);
        else throw unknown(file, 'it has neither "kind" (Kubernetes) nor "services" (compose)');
      }
    } else checkText(text, file, findings);
  }
  checkKubernetes(objects, findings);
  const order = new Map(files.map((file, i) => [file, i]));
  return findings.all.sort(
    (a, b) => order.get(a.file)! - order.get(b.file)! || a.line - b.line || a.column - b.column,
  );
}

/** A file that is named twice, in whatever way, is checked and mended once. */
function once(files: readonly string[]): string[] {
  const seen = new Set<string>();
  return files.filter((file) => {
    const path = existsSync(file) ? realpathSync(file) : file;
    return !seen.has(path) && seen.add(path);
  });
}

function checkText(text: string, file: string, findings: Findings): void {
  const name = basename(file);
  if (extname(file) === '.service') checkUnit(text, file, findings);
  else if (/^(Docker|Container)file|\.(dockerfile|containerfile)$/i.test(name))
    checkDockerfile(text, file, findings);
  else if (/^haproxy|\.cfg$/.test(name)) checkHaproxy(text, file, findings);
  else if (/^nginx|\.conf$/.test(name)) checkNginx(text, file, findings);
  else throw unknown(file, 'its name tells no format');
}

const unknown = (file: string, why: string): EdgeError =>
  new EdgeError(
    'ERR_EDGE_CONFIG',
    `${file} is not checked: ${why}. Known are *.yaml (Kubernetes, compose), *.service (systemd), Dockerfile*, *.conf (nginx) and *.cfg (HAProxy).`,
    { file },
  );
