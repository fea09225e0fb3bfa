export { Console } from './console.ts';
export type { Action, ConsoleWorker, Snapshot, Source, Stop } from './source.ts';
