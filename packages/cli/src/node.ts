import {
  Desk,
  foreseeDrain,
  haproxyConfig,
  type Inventory,
  isReady,
  nginxConfig,
  nodeOf,
  planRoll,
  planUndrain,
  readInventory,
  readMarks,
  roll,
  type Step,
  Watch,
} from '@lastcall/edge';
import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { planLines, StepLog, toldAsJson } from './node-json.ts';
import { printable } from './output.ts';
import { whole } from './parse.ts';

interface Common {
  nodes: string;
  dryRun?: boolean;
  force?: boolean;
  json?: boolean;
}

/** `lastcall node`: takes whole nodes out of a load balancer and puts them back. */
export function nodeCommand(): Command {
  const commands = [drain(), undrain(), status(), rollAll(), watch(), edgeConfig()];
  const node = new Command('node').description(
    'take nodes out of nginx or HAProxy and put them back',
  );
  for (const command of commands) node.addCommand(command.exitOverride());
  return node.addHelpText('after', EXAMPLES);
}

const EXAMPLES = `
Examples (edge.yaml names the proxy, its upstream and the nodes):
  $ lastcall node status                              what is in service, and what is ready
  $ lastcall node drain 10.0.0.1:8080 --dry-run       the steps, and the way back from each
  $ lastcall node drain 10.0.0.1:8080                 take it out, stop it, read its account
  $ lastcall node undrain 10.0.0.1:8080               start it and put it back
  $ lastcall node roll --parallel 2                   all nodes, two at a time
  $ lastcall node watch --metrics 9101                a health check for nginx
  $ lastcall node edge-config nginx --server 10.0.0.1:8080 10.0.0.2:8080

edge.yaml, at the least (docs/ops/drain_runbook.md says the rest):
  upstream: app
  nginx: { config: /etc/nginx/nginx.conf, upstreamFile: /etc/nginx/conf.d/app.conf }
  nodes:
    - { server: "10.0.0.1:8080", pidFile: /run/app1.pid, start: systemctl start app1 }
    - { server: "10.0.0.2:8080", pidFile: /run/app2.pid, start: systemctl start app2 }`;

const withNodes = (command: Command): Command =>
  command.option(
    '--nodes <FILE>',
    'the proxy, its upstream and the nodes',
    process.env.LASTCALL_NODES || 'edge.yaml',
  );

function drain(): Command {
  return withNodes(new Command('drain'))
    .description('take a node out, stop it, and read its exit record')
    .argument('<server>', 'the server, as its upstream names it')
    .option('--dry-run', 'show the steps and do nothing')
    .option('--force', 'even when it is the last one in service')
    .option('--continue', 'go on with a drain that was cut off')
    .addOption(
      new Option('--rollback', 'undo a drain that was cut off').conflicts(['continue', 'dryRun']),
    )
    .option('--json', AS_JSON)
    .action(async (server: string, flags: Common & { continue?: boolean; rollback?: boolean }) => {
      const inventory = readInventory(flags.nodes);
      const verb = flags.rollback ? 'rollback' : 'drain';
      if (flags.dryRun) {
        const steps = await foreseeDrain(inventory, server, flags.continue);
        return showPlan(verb, server, steps, flags);
      }
      await carryOut(verb, server, inventory, flags, (desk) =>
        flags.rollback ? desk.rollback(server) : desk.drain(server, flags.continue),
      );
    });
}

function undrain(): Command {
  return withNodes(new Command('undrain'))
    .description('start a node, wait until it is ready, and put it back')
    .argument('<server>', 'the server, as its upstream names it')
    .option('--dry-run', 'show the steps and do nothing')
    .option('--json', AS_JSON)
    .action(async (server: string, flags: Common) => {
      const inventory = readInventory(flags.nodes);
      if (flags.dryRun)
        return showPlan(
          'undrain',
          server,
          planUndrain(inventory, nodeOf(inventory, server)),
          flags,
        );
      await carryOut('undrain', server, inventory, flags, (desk) => desk.undrain(server));
    });
}

function status(): Command {
  return withNodes(new Command('status'))
    .description('the servers of the upstream, and what was done to them')
    .option('--json', 'print JSON')
    .action(async (flags: Common & { json?: boolean }) => {
      const inventory = readInventory(flags.nodes);
      const desk = new Desk(inventory);
      const entries = new Map(desk.journal.all().map((entry) => [entry.server, entry]));
      const marks = readMarks(inventory.stateDir);
      const states = await desk.proxy.servers();
      const rows = await Promise.all(
        states.map(async ({ server, inService, takenOut, sessions }) => {
          const node = inventory.nodes.find((entry) => entry.server === server);
          const ready = node ? await isReady(inventory, node) : null;
          const journal = entries.get(server) ?? null;
          const markedDown = takenOut && journal === null && marks.includes(server);
          return { server, inService, takenOut, ready, sessions, journal, markedDown };
        }),
      );
      const trouble = desk.proxy.trouble();
      if (trouble !== undefined) warn(`${trouble} What is shown is what its file says.`);
      const unknown = inventory.nodes
        .map(({ server }) => server)
        .filter((server) => states.every((state) => state.server !== server));
      for (const server of unknown) warn(`${server} is a node, but ${desk.proxy.name} has it not.`);
      if (flags.json) return print(JSON.stringify(rows, null, 2));
      const watcher = desk.journal.watcher();
      for (const { server, inService, takenOut, sessions, ready, journal, markedDown } of rows)
        print(
          [
            server,
            inService ? 'in service' : takenOut ? 'out' : 'not in service',
            ready === null ? 'not asked' : ready ? 'ready' : 'not ready',
            ...(sessions === undefined ? [] : [`${sessions} sessions`]),
            ...(journal
              ? [`${journal.verb} ${journal.state} (${journal.done.join(', ') || 'nothing done'})`]
              : []),
            ...(journal?.takenOver === undefined ? [] : ['taken over from node watch']),
            ...(markedDown
              ? [
                  `marked down by node watch (${watcher === undefined ? 'none runs now: lastcall node undrain puts it back' : `pid ${watcher}, which puts it back when it recovers`})`,
                ]
              : []),
          ].join('  '),
        );
    });
}

function rollAll(): Command {
  return withNodes(new Command('roll'))
    .description('drain, restart and put back every node; stop at the first that goes wrong')
    .option('--parallel <N>', 'how many at a time', whole(1, 1_000), 1)
    .option('--dry-run', 'show the steps and do nothing')
    .option('--json', AS_JSON)
    .action(async ({ parallel, ...flags }: Common & { parallel: number }) => {
      const inventory = readInventory(flags.nodes);
      if (flags.dryRun) {
        const nodes = planRoll(inventory, parallel);
        if (!flags.json) return print(planLines(nodes.flatMap(({ steps }) => steps)));
        return print(JSON.stringify({ verb: 'roll', dryRun: true, parallel, nodes }, null, 2));
      }
      tellOfSignals('lastcall node status shows how far each node is.');
      if (!flags.json) return roll(new Desk(inventory, { progress: print }), parallel);
      const log = new StepLog();
      const servers = inventory.nodes.map(({ server }) => server);
      await toldAsJson(
        () => roll(new Desk(inventory, { onStep: log.onStep }), parallel),
        (error) => ({ verb: 'roll', parallel, nodes: log.nodes(servers, error) }),
        print,
      );
    });
}

function watch(): Command {
  return withNodes(new Command('watch'))
    .description('mark failing nodes down and recovered ones up, until interrupted')
    .option('--metrics <PORT>', 'serve GET /metrics on loopback', whole(0, 65_535))
    .action(async (flags: Common & { metrics?: number }) => {
      const desk = new Desk(readInventory(flags.nodes));
      await desk.journal.watching(async () => {
        const stop = new AbortController();
        for (const signal of ['SIGTERM', 'SIGINT'] as const)
          process.once(signal, () => stop.abort());
        const service = new Watch(desk, print);
        if (flags.metrics !== undefined)
          print(`metrics on 127.0.0.1:${await service.serveMetrics(flags.metrics)}`);
        await service.run(stop.signal);
      });
    });
}

function edgeConfig(): Command {
  return new Command('edge-config')
    .description('write a proxy configuration that makes drains invisible')
    .addArgument(new Argument('<proxy>', 'which one').choices(['nginx', 'haproxy']))
    .requiredOption('--server <HOST:PORT...>', 'the nodes', addresses)
    .option('--upstream <NAME>', 'name of the upstream', oneWord, 'app')
    .option('--listen <ADDRESS>', 'where clients connect', oneWord, '80')
    .action(
      (
        proxy: string,
        { server, upstream, listen }: { server: string[]; upstream: string; listen: string },
      ) => {
        const options = { upstream, servers: server, listen };
        if (proxy === 'nginx') print(nginxConfig(options));
        else print(haproxyConfig(options));
      },
    );
}

const AS_JSON = 'print one JSON document, at the end';

async function carryOut(
  verb: string,
  server: string,
  inventory: Inventory,
  { force = false, json }: Common,
  act: (desk: Desk) => Promise<void>,
): Promise<void> {
  tellOfSignals('lastcall node status shows how far it is, the next drain how to go on or back.');
  if (!json) return act(new Desk(inventory, { force, progress: print }));
  const log = new StepLog();
  await toldAsJson(
    () => act(new Desk(inventory, { force, onStep: log.onStep })),
    () => ({ verb, server, steps: log.steps() }),
    print,
  );
}

/** A signal ends the command as ever; what it was about goes on from the journal. */
function tellOfSignals(what: string): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => {
      process.stderr.write(`lastcall: cut off by ${signal}. ${what}\n`);
      process.kill(process.pid, signal);
    });
}

function showPlan(verb: string, server: string, steps: readonly Step[], { json }: Common): void {
  print(json ? JSON.stringify({ verb, server, dryRun: true, steps }, null, 2) : planLines(steps));
}

function addresses(text: string, before: string[] = []): string[] {
  const port = Number(/^(?:[^\s;{}:]+|\[[0-9a-fA-F:.]+\]):(\d{1,5})$/.exec(text)?.[1] ?? 0);
  if (port < 1 || port > 65_535)
    throw new InvalidArgumentError(
      `Expected HOST:PORT such as 10.0.0.1:8080 or [::1]:8080, got ${text}.`,
    );
  return [...before, text];
}

function oneWord(text: string): string {
  if (/^[^\s;{}#"']+$/.test(text)) return text;
  throw new InvalidArgumentError(`Expected one word, got ${JSON.stringify(text)}.`);
}

const warn = (line: string): void => {
  process.stderr.write(`lastcall: ${printable(line)}\n`);
};

const print = (line: string): void => {
  process.stdout.write(`${printable(line).trimEnd()}\n`);
};
