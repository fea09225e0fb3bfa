import type { Told } from '../proxy/processes.ts';
import type { NodeEntry } from './inventory.ts';
import { AdminEndpoint } from './managers/admin-endpoint.ts';
import { ControlSocket } from './managers/control-socket.ts';
import type { Manager } from './managers/manager.ts';
import { Pid } from './managers/pid.ts';
import { cannotStop } from './plan.ts';

export type { Exit, Manager } from './managers/manager.ts';

/** How this node is stopped; `told`: the process that was told before. Throws `ERR_EDGE_CONFIG` when its entry does not say. */
export function managerOf(node: NodeEntry, told?: Told): Manager {
  if (node.control !== undefined) return new ControlSocket(node.control);
  const process =
    node.pid === undefined && node.pidFile === undefined ? undefined : new Pid(node, told);
  if (node.admin !== undefined) return new AdminEndpoint(node, process);
  if (process) return process;
  throw cannotStop(node);
}
