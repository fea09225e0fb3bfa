import type { EdgeConfigOptions } from './nginx.ts';

/** An HAProxy configuration with which drains are not seen by clients; each line says why. */
export function haproxyConfig(
  { upstream, servers, listen }: EdgeConfigOptions,
  socket = '/run/haproxy/admin.sock',
): string {
  const lines = servers.map((server, i) => `  server node${i + 1} ${server}`);
  return `global
  # Drains go over this socket, without a reload.
  stats socket ${socket} mode 660 level admin
  # The states of the servers, so that a reload does not forget a drain (write it before each reload:
  # echo "show servers state" | socat stdio ${socket} > ${socket}.state).
  server-state-file ${socket}.state

defaults
  # Requests, not connections: only so can one be sent again elsewhere.
  mode http
  # A node that takes no connection is given up soon.
  timeout connect 2s
  # Streams may be silent for long.
  timeout client 600s
  timeout server 600s
  # WebSockets, once upgraded.
  timeout tunnel 1h
  # How long a client's idle connection is kept.
  timeout http-keep-alive 60s
  # Read back after a reload.
  load-server-state-from-file global
  # A refused connection, a connection closed before the answer, and the 503 of a draining node: another
  # node gets the request. Only bodies that fit the buffer are sent again.
  option redispatch 1
  retries 3
  retry-on conn-failure empty-response response-timeout 503

frontend ${upstream}_in
  # Where clients connect.
  bind ${/^\d+$/.test(listen) ? `:${listen}` : listen}
  default_backend ${upstream}

backend ${upstream}
  # Streams last long: the node with the fewest gets the next one.
  balance leastconn
  # Readiness, not health: a draining node stays healthy.
  option httpchk
  http-check send meth GET uri /ready ver HTTP/1.1 hdr Host check
  # Connections are shared between clients once one request on them has gone well.
  http-reuse safe
  # A drain is noticed after 2 x 500 ms, well within the leave time of the nodes (5 s).
  default-server check inter 500ms fall 2 rise 2
${lines.join('\n')}
`;
}
