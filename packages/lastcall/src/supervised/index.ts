export { type InheritedSocket, inheritListen, supervisedServers } from './listen.ts';
export { superviseWorker } from './link.ts';
export { nodeOf } from './node.ts';
export {
  type Answer,
  type Ask,
  type Figures,
  type FromWorker,
  PROTOCOL,
  type Question,
  type Questions,
  type ToWorker,
  unframe,
  type WireStatus,
  type WorkItem,
} from './protocol.ts';
export { Access } from '../endpoints/access.ts';
export { Endpoints } from '../endpoints/endpoints.ts';
export type { NodeControl } from '../endpoints/node.ts';
export type {
  Handle,
  MovedCounts,
  MoveMessage,
  MoveStep,
  StayedReport,
  Stays,
} from '../moving/wire.ts';
export { type Channel, inodeOf, takeConnections, sendOver, whyLost } from '../moving/channel.ts';
export { Outbox } from '../moving/outbox.ts';
export { fromWire } from './figures.ts';
export { type Flights, keepFlight, readFlights } from '../telemetry/flight-book.ts';
export type { FlightRecord } from '../telemetry/flight-record.ts';
export { estimateOf, type FinishEstimate } from '../ledger/estimate.ts';
export { CHANCES, type FinishCurve, joinFinish } from '../ledger/finish-curve.ts';
