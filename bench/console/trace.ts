import type { Browser } from 'playwright-core';

interface TraceEvent {
  name: string;
  pid: number;
  tid: number;
  /** CPU time of the thread within it, in microseconds. */
  tdur?: number;
  args: { name?: string };
}

/** Notes the CPU time of each task on the main threads of the browser's pages, in milliseconds. */
export async function traceTasks(browser: Browser): Promise<{ end(): Promise<number[]> }> {
  const session = await browser.newBrowserCDPSession();
  const events: TraceEvent[] = [];
  session.on('Tracing.dataCollected', ({ value }) =>
    events.push(...(value as unknown as TraceEvent[])),
  );
  const traceConfig = { includedCategories: ['toplevel', '__metadata'] };
  await session.send('Tracing.start', { transferMode: 'ReportEvents', traceConfig });
  return {
    async end() {
      const complete = new Promise<void>((resolve) => {
        session.once('Tracing.tracingComplete', () => resolve());
      });
      await session.send('Tracing.end');
      await complete;
      const place = ({ pid, tid }: TraceEvent): string => `${pid} ${tid}`;
      const isMain = ({ name, args }: TraceEvent): boolean =>
        name === 'thread_name' && args.name === 'CrRendererMain';
      const mains = new Set(events.filter(isMain).map(place));
      return events
        .filter((event) => event.name.endsWith('RunTask') && mains.has(place(event)))
        .map(({ tdur = 0 }) => tdur / 1_000);
    },
  };
}
