export { loadConfig, type Config, type Sources, type Target } from './config/load.ts';
export { environmentOf, flagOf, OPTION_NAMES, OPTIONS, type OptionName } from './config/options.ts';
export { nearest } from './config/nearest.ts';
export { CommandFailed, send } from './control/client.ts';
export type { Stop } from './stops.ts';
export { EXIT_CODES, SupervisorError, type SupervisorErrorCode } from './errors.ts';
export { serve } from './serve.ts';
export { SIGNALS } from './signals.ts';
export type { MakePage, NodeSnapshot, NodeView, Page } from './node/view.ts';
