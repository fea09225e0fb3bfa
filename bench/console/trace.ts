import type { Browser } from 'playwright-core';

interface TraceEvent {
  name: string;
  pid: number;
  tid: number;
  /** CPU time of the thread within it, in microseconds. */
  tdur?: number;
}

/** What the page under test marks itself with: the browser has pages of its own, whose tasks are none of ours. */
export const OURS = 'ours';

/** Notes the CPU time of each task on the main thread of the page that has marked itself, in milliseconds. */
export async function traceTasks(browser: Browser): Promise<{ end(): Promise<number[]> }> {
  const session = await browser.newBrowserCDPSession();
  const events: TraceEvent[] = [];
  session.on('Tracing.dataCollected', ({ value }) =>
    events.push(...(value as unknown as TraceEvent[])),
  );
  const traceConfig = { includedCategories: ['toplevel', 'blink.user_timing'] };
  await session.send('Tracing.start', { transferMode: 'ReportEvents', traceConfig });
  return {
    async end() {
      const complete = new Promise<void>((resolve) => {
        session.once('Tracing.tracingComplete', () => resolve());
      });
      await session.send('Tracing.end');
      await complete;
      const place = ({ pid, tid }: TraceEvent): string => `${pid} ${tid}`;
      const mains = new Set(events.filter(({ name }) => name === OURS).map(place));
      return events
        .filter((event) => event.name.endsWith('RunTask') && mains.has(place(event)))
        .map(({ tdur = 0 }) => tdur / 1_000);
    },
  };
}
