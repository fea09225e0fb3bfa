import type { Command } from 'commander';

/** What commands need of the one call that they are made for. */
export interface Call {
  /** What follows the first `--`: a program with its arguments. */
  readonly foreign: string[] | undefined;
  /** Sets the exit code. */
  readonly done: (exitCode: number) => void;
}

interface Family {
  /** The heading in the help, where one begins. */
  readonly group?: string;
  readonly verbs: readonly string[];
  readonly load: (call: Call) => Promise<Command[]>;
}

/** In the order of the help. Only what is called is loaded: the whole is some 400 ms of CPU. */
const FAMILIES: readonly Family[] = [
  {
    group: 'A node:',
    verbs: ['serve'],
    load: async ({ foreign, done }) => [(await import('./serve.ts')).serveCommand(foreign, done)],
  },
  {
    verbs: 'status workers reload upgrade drain resume stop scale logs'.split(' '),
    load: async () => (await import('./control.ts')).controlCommands(),
  },
  { verbs: ['watch'], load: async () => [(await import('./watch.ts')).watchCommand()] },
  { verbs: ['stops'], load: async () => [(await import('./stops.ts')).stopsCommand()] },
  {
    group: 'Behind a load balancer, and in Kubernetes:',
    verbs: ['node'],
    load: async () => [(await import('./node.ts')).nodeCommand()],
  },
  {
    verbs: ['pod'],
    load: async ({ foreign, done }) => [(await import('./pod.ts')).podCommand(foreign, done)],
  },
  {
    group: 'Before it matters:',
    verbs: ['drill'],
    load: async ({ foreign, done }) => [(await import('./drill.ts')).drillCommand(foreign, done)],
  },
  { verbs: ['plan'], load: async () => [(await import('./plan.ts')).planCommand()] },
];

/** Adds the family of the verb that is called; all of them for the help, and where there is none such. */
export async function addCommands(program: Command, argv: string[], call: Call): Promise<void> {
  const verb = argv.find((word) => !word.startsWith('-'));
  const called = FAMILIES.filter(({ verbs }) => verb !== undefined && verbs.includes(verb));
  for (const { group, load } of called.length > 0 ? called : FAMILIES) {
    if (group !== undefined) program.commandsGroup(group);
    for (const command of await load(call)) program.addCommand(command);
  }
}
