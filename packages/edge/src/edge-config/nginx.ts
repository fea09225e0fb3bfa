/** What a generated proxy configuration is made for. */
export interface EdgeConfigOptions {
  upstream: string;
  /** HOST:PORT of each node. */
  servers: readonly string[];
  /** Address or port that clients connect to. */
  listen: string;
}

/** A part of nginx.conf (inside `http`) with which drains are not seen by clients; each directive says why. */
export function nginxConfig({ upstream, servers, listen }: EdgeConfigOptions): string {
  const lines = servers.map((server) => `  server ${server} max_fails=2 fail_timeout=5s;`);
  return `# A WebSocket asks for its connection to be upgraded; all else keeps connections to the nodes open.
map $http_upgrade $lastcall_connection {
  default upgrade;
  ''      '';
}

upstream ${upstream} {
  # One view of failures for all worker processes.
  zone ${upstream} 64k;
  # "down" is written here when a node is drained. A node that dies is left out for 5 s.
${lines.join('\n')}
  # Idle connections to the nodes that each worker keeps, so that a request does not connect anew.
  keepalive 32;
  # Below the keep-alive time of the nodes, so that nginx closes first and never writes into a closing one.
  keepalive_timeout 4s;
}

server {
  # Where clients connect.
  listen ${listen};
  # Between reloads clients may send on one connection for long: they are told to connect anew at times.
  keepalive_requests 10000;
  # An upload may be large, and is passed on as it comes.
  client_max_body_size 0;

  location / {
    # To the nodes of the upstream above.
    proxy_pass http://${upstream};
    # Kept connections need HTTP/1.1 and no "close".
    proxy_http_version 1.1;
    proxy_set_header Connection $lastcall_connection;
    proxy_set_header Upgrade $http_upgrade;
    # The name that the client asked for.
    proxy_set_header Host $host;
    # The nodes see by it that a proxy stands between, and take no operator's call over it.
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;

    # A node that refuses because it drains answers 503 and has not begun the work: another one gets it.
    # non_idempotent: a refused POST goes on too. Keep it only where POST is safe to repeat after a
    # lost connection; nginx cannot tell a refusal from an answer that never came.
    proxy_next_upstream error timeout http_503 non_idempotent;
    # Each node once, and no longer than this altogether.
    proxy_next_upstream_tries ${Math.max(2, servers.length)};
    proxy_next_upstream_timeout 10s;
    # A node that takes no connection is given up soon.
    proxy_connect_timeout 2s;

    # Events reach the client when they are sent, and a stream may be silent for long.
    proxy_buffering off;
    proxy_read_timeout 600s;
    proxy_send_timeout 600s;
  }
}
`;
}
