export { type InheritedSocket, inheritListen, supervisedServers } from './listen.ts';
export { superviseWorker } from './link.ts';
export type { SupervisedLifecycle } from './lifecycle.ts';
export { type LocalOps, type NodeDoor, nodeOf, setLocalOps } from './node.ts';
export {
  type Answer,
  type Ask,
  type Figures,
  type Framed,
  type FromWorker,
  type NodeFigures,
  type NodeWait,
  PROTOCOL,
  type Question,
  type Questions,
  type Resumed,
  type ToWorker,
  unframe,
} from './protocol.ts';
