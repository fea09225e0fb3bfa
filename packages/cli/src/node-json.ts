import { EdgeError, type Step, type StepResult } from '@lastcall/edge';

/** Collects what was done, for `--json`: one document, printed when all is over. */
export class StepLog {
  readonly #results: StepResult[] = [];

  readonly onStep = (result: StepResult): void => {
    this.#results.push(result);
  };

  /** The steps that were carried out, of one server or of all. */
  steps(server?: string): object[] {
    return this.#results
      .filter((result) => server === undefined || result.server === server)
      .map(({ verb, step, ok, told, ms }) => ({
        verb,
        action: step.action,
        text: step.text,
        undo: step.undo,
        ok,
        told,
        ms,
      }));
  }

  /** What a roll did with each node. */
  nodes(servers: readonly string[], error: unknown): object[] {
    return servers.map((server) => {
      const last = this.#results.findLast((result) => result.server === server);
      const back = last?.ok === true && last.step.action === 'put_back';
      const touched = last !== undefined || factOf(error) === server;
      const state = back ? 'rolled' : touched ? 'failed' : 'not_touched';
      return { server, state, steps: this.steps(server) };
    });
  }
}

const factOf = (error: unknown): unknown =>
  error instanceof EdgeError ? error.facts.server : undefined;

/**
 * Carries `act` out and then calls `print` with one JSON document that says how it went, failed or not;
 * a failure goes on to the caller, who makes it the exit code.
 */
export async function toldAsJson(
  act: () => Promise<void>,
  describe: (error: unknown) => object,
  print: (text: string) => void,
): Promise<void> {
  const say = (ok: boolean, error: unknown): void =>
    print(JSON.stringify({ ok, ...describe(error), error: errorOf(error) }, null, 2));
  try {
    await act();
  } catch (error) {
    say(false, error);
    throw error;
  }
  say(true, undefined);
}

function errorOf(error: unknown): object | null {
  if (!(error instanceof Error)) return null;
  return { code: error instanceof EdgeError ? error.code : null, message: error.message };
}

/** Steps of a plan for people. */
export const planLines = (steps: readonly Step[]): string =>
  steps.map(({ text, undo }, i) => `${i + 1}. ${text}\n   back: ${undo}`).join('\n');
