export { checkFiles, CHECK_DEFAULTS } from './check/check.ts';
export type { CheckOptions, Finding } from './check/finding.ts';
export { fixFiles } from './check/fix.ts';
export { RULES, type RuleCode } from './check/rules/index.ts';
export { showFindings, toSarif } from './check/show.ts';
export { EDGE_EXIT_CODES, EdgeError, type EdgeErrorCode } from './errors.ts';
