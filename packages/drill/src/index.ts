export { areas, CaseFailure, defineCase, DrillError, type Area, type DrillCase } from './case.ts';
export { loadCases } from './cases/load.ts';
export { loadConfig, parseConfig } from './config/load.ts';
export type { DrillConfig } from './config/schema.ts';
export {
  abandon,
  drill,
  type DrillOptions,
  inAreas,
  refuseUnknownSkips,
  select,
} from './engine/drill.ts';
export { missing, runCase, type RunResult, type Verdict } from './engine/run.ts';
export { guessConfig } from './probe/guess.ts';
export { htmlReport } from './report/html.ts';
export { jsonReport } from './report/json.ts';
export { junitReport } from './report/junit.ts';
export { referenceOfCases } from './report/reference.ts';
export { caseLine, closing } from './report/terminal.ts';
export { lossInterval, promisesNeeded } from './verdict/interval.ts';
export { loadKnownFailing } from './verdict/known.ts';
export { reasons, summarize, type CaseResult, type DrillResult } from './verdict/summary.ts';
