// What a program needs that talks to a running supervisor: without all that one is made of.
export { CommandFailed, send } from './control/client.ts';
export { CONTROL_SOCKET } from './control/protocol.ts';
export { SupervisorError } from './errors.ts';
export type { NodeSnapshot } from './node/view.ts';
export type { Stop } from './stops.ts';
