// The names of what a server can offer; a case lists those it needs.
export const routeNames = [
  'fast',
  'slow',
  'stream',
  'upload',
  'large',
  'trailers',
  'hang',
  'websocket',
  'ready',
  'live',
  'metrics',
  'status',
  'count',
  'drain',
  'wait',
  'initiate',
  'reset',
  'submit',
  'jobs',
] as const;
export type RouteName = (typeof routeNames)[number];

export const portNames = ['http', 'h2', 'h2s', 'grpc', 'admin', 'backend'] as const;
export type PortName = (typeof portNames)[number];

export const variantNames = [
  'hungHook',
  'ignoredAbort',
  'slowStart',
  'children',
  'failingHook',
] as const;
export type VariantName = (typeof variantNames)[number];

export type Need =
  | RouteName
  | `port:${Exclude<PortName, 'http' | 'backend'>}`
  | `variant:${VariantName}`
  | 'websocketTask'
  | 'grpcUnary'
  | 'grpcStream'
  | 'grpcHealth'
  | 'token'
  | 'logPattern'
  | 'reload';
