#!/bin/sh
# HAProxy as master with a worker in front of the test service; the shell becomes the master.
set -e
# Apart from the proxy: not its child, not in its process group, and not counted among its workers.
PROXY_PID=$$ setsid env -u LASTCALL_DRILL_TARGET sh -c 'node backend.ts &'
cat > "$WORK/haproxy.cfg" <<CONF
global
  hard-stop-after 4s
defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  timeout http-keep-alive 60s
frontend in
  bind 127.0.0.1:$PORT
  default_backend service
backend service
  server one 127.0.0.1:$BACKEND_PORT
CONF
exec haproxy -W -f "$WORK/haproxy.cfg"
