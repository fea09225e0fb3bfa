import {
  CHECK_DEFAULTS,
  checkFiles,
  type Finding,
  fixFiles,
  readPodPlan,
  rehearse,
  showFindings,
  showRehearsal,
  toSarif,
} from '@lastcall/edge';
import { Command, Option } from 'commander';
import { printable } from './output.ts';
import { durationOption, whole } from './parse.ts';
import { VERSION } from './version.ts';

type Done = (code: number) => void;

interface CheckFlags {
  fix?: boolean;
  json?: boolean;
  sarif?: boolean;
  strict?: boolean;
  margin: number;
  leave: number;
}

/** `lastcall pod`: what can be known about a pod before a cluster sees it. */
export function podCommand(foreign: readonly string[] | undefined, done: Done): Command {
  const check = new Command('check')
    .description('check the time budgets of manifests, units, images and proxy configurations')
    .argument('<file...>', 'files that belong together')
    .option('--fix', 'carry out the safe fixes')
    .option('--json', 'print JSON')
    .addOption(new Option('--sarif', 'print SARIF 2.1.0').conflicts('json'))
    .option('--strict', 'warnings fail too')
    .addOption(durationOption('--margin <TIME>', 'time to leave unused', CHECK_DEFAULTS.marginMs))
    .addOption(
      durationOption('--leave <TIME>', 'leave time behind a proxy', CHECK_DEFAULTS.leaveMs),
    )
    .exitOverride()
    .action((files: string[], flags: CheckFlags) => {
      const options = { marginMs: flags.margin, leaveMs: flags.leave };
      let findings = checkFiles(files, options);
      if (flags.fix) {
        const fixed = fixFiles(findings);
        process.stderr.write(`fixed ${fixed.length}\n`);
        findings = checkFiles(files, options);
      }
      process.stdout.write(`${printable(print(findings, files.length, flags))}\n`);
      const failed = findings.some(({ severity }) => flags.strict || severity === 'error');
      done(failed ? 1 : 0);
    })
    .addHelpText('after', CHECK_EXAMPLES);
  return new Command('pod')
    .description('check pods before they run')
    .addCommand(check)
    .addCommand(rehearseCommand(foreign, done));
}

interface RehearseFlags {
  path: string[];
  clients: number;
  removal: number;
  jitter: number;
  json?: boolean;
}

function rehearseCommand(foreign: readonly string[] | undefined, done: Done): Command {
  return new Command('rehearse')
    .description('run a Deployment on this machine through one rollout under load, and blame')
    .argument('<file>', 'manifest; the command of its container is run here, or: -- COMMAND ...')
    .option('--path <PATH...>', 'what clients ask for', ['/'])
    .option('--clients <N>', 'clients for each path', whole(1, 1_000), 6)
    .addOption(durationOption('--removal <TIME>', 'how long proxies know a deleted pod', 500))
    .addOption(durationOption('--jitter <TIME>', 'and at random so much longer', 500))
    .option('--json', 'print JSON')
    .exitOverride()
    .action(async (file: string, { json, ...flags }: RehearseFlags) => {
      const ended = new AbortController();
      const end = (): void => ended.abort();
      for (const signal of SIGNALS) process.once(signal, end);
      try {
        const result = await rehearse(readPodPlan(file, foreign), {
          paths: flags.path,
          clients: flags.clients,
          removalMs: flags.removal,
          jitterMs: flags.jitter,
          signal: ended.signal,
          ...(json
            ? {}
            : { progress: (line: string) => void process.stdout.write(`${printable(line)}\n`) }),
        });
        process.stdout.write(
          `${printable(json ? JSON.stringify(result, withoutPods, 2) : showRehearsal(result))}\n`,
        );
        done(result.causes.length === 0 ? 0 : 1);
      } catch (error) {
        if (!ended.signal.aborted) throw error;
        process.stderr.write('lastcall: ended before its time; no process is left behind\n');
        done(130);
      } finally {
        for (const signal of SIGNALS) process.off(signal, end);
      }
    })
    .addHelpText('after', REHEARSE_EXAMPLES);
}

/** Ctrl-C and the like end the pods too: they are process groups of their own. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const REHEARSE_EXAMPLES = `
Examples:
  $ lastcall pod rehearse deploy.yaml                                the command of the manifest
  $ lastcall pod rehearse deploy.yaml -- node server.js              the image's command, given here
  $ lastcall pod rehearse deploy.yaml --path / "/stream?ms=5000"     two kinds of requests
  $ lastcall pod rehearse deploy.yaml --removal 2s --jitter 3s       a cluster with slow proxies

Exit code: 0 nothing was dropped, 1 something was, 2 the file cannot be rehearsed.`;

const CHECK_EXAMPLES = `
Examples:
  $ lastcall pod check deploy/k8s/*.yaml                 files that belong together, in one call
  $ lastcall pod check app.service nginx.conf            a unit and the proxy in front
  $ lastcall pod check deploy.yaml --fix                 carry out what is safe, report the rest
  $ lastcall pod check deploy.yaml --sarif > pod.sarif   for code scanning

Exit code: 0 no error, 1 an error (with --strict: or a warning), 2 a file that cannot be read.`;

/** A pod in a failure is told by its name. */
const withoutPods = (key: string, value: unknown): unknown =>
  key === 'pod' && typeof value === 'object' && value !== null
    ? (value as { name: string }).name
    : value;

function print(findings: readonly Finding[], files: number, { json, sarif }: CheckFlags): string {
  if (sarif) return JSON.stringify(toSarif(findings, VERSION), null, 2);
  if (json) return JSON.stringify(findings, null, 2);
  return showFindings(findings, files);
}
