// The files of deploy/k8s as they are applied: only what a cluster decides is put in.
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';

const root = fileURLToPath(new URL('../../', import.meta.url));

export interface Setting {
  image: string;
  /** Whose calls are an operator's: addresses that kubelets call from. */
  operatorCidrs: string;
  /** A PostgreSQL that every pod reaches. Without one each pod has its own. */
  databaseUrl: string | undefined;
  /** What the cluster serves, as `kubectl api-versions` prints it. */
  apiVersions: ReadonlySet<string>;
}

interface EnvEntry {
  name: string;
  value?: string;
}
interface Resource {
  apiVersion: string;
  kind: string;
}
interface Deployment extends Resource {
  spec: { template: { spec: { containers: { image: string; env: EnvEntry[] }[] } } };
}

/** What to apply, and the kinds that this cluster does not know. */
export function manifests(setting: Setting): { apply: object[]; unknown: string[] } {
  const all = globSync(`${root}deploy/k8s/*.yaml`).flatMap((file) =>
    parseAllDocuments(readFileSync(file, 'utf8')).map((document) => document.toJS() as Resource),
  );
  const known = ({ apiVersion }: Resource): boolean => setting.apiVersions.has(apiVersion);
  const apply: object[] = all
    .filter(known)
    .map((resource) =>
      resource.kind === 'Deployment' ? placed(resource as Deployment, setting) : resource,
    );
  if (setting.databaseUrl !== undefined)
    apply.unshift({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'inference-database' },
      stringData: { url: setting.databaseUrl },
    });
  const unknown = all
    .filter((resource) => !known(resource))
    .map(({ apiVersion, kind }) => `${kind} (${apiVersion})`);
  return { apply, unknown };
}

function placed(deployment: Deployment, setting: Setting): Deployment {
  const [container] = deployment.spec.template.spec.containers;
  container!.image = setting.image;
  container!.env = container!.env.flatMap((entry) => {
    if (entry.name === 'LASTCALL_OPERATOR_CIDRS')
      return [{ ...entry, value: setting.operatorCidrs }];
    return entry.name === 'DATABASE_URL' && setting.databaseUrl === undefined ? [] : [entry];
  });
  return deployment;
}

/** The clients: a pod of the same image, with the script from a ConfigMap. */
export function loadPod({ image, databaseUrl }: Setting, url: string): object[] {
  const script = readFileSync(new URL('load.mjs', import.meta.url), 'utf8');
  return [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'load' },
      data: { 'load.mjs': script },
    },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'load' },
      spec: {
        restartPolicy: 'Never',
        terminationGracePeriodSeconds: 1,
        containers: [
          {
            name: 'load',
            image,
            command: ['node', '/load/load.mjs', url],
            env: [{ name: 'TASKS', value: databaseUrl === undefined ? '0' : '1' }],
            volumeMounts: [{ name: 'script', mountPath: '/load' }],
          },
        ],
        volumes: [{ name: 'script', configMap: { name: 'load' } }],
      },
    },
  ];
}
