#!/bin/sh
# nginx in front of the test service; the shell becomes nginx, so the drill's signals reach it.
set -e
# The workers of nginx run as a user of their own.
chmod 755 "$WORK"
# Apart from the proxy: not its child, not in its process group, and not counted among its workers.
PROXY_PID=$$ setsid env -u LASTCALL_DRILL_TARGET sh -c 'node backend.ts &'
cat > "$WORK/nginx.conf" <<CONF
daemon off;
pid $WORK/nginx.pid;
error_log stderr;
worker_processes 2;
worker_shutdown_timeout 4s;
events { worker_connections 2048; }
http {
  access_log off;
  client_body_temp_path $WORK/body;
  proxy_temp_path $WORK/proxy;
  fastcgi_temp_path $WORK/fastcgi;
  uwsgi_temp_path $WORK/uwsgi;
  scgi_temp_path $WORK/scgi;
  upstream service { server 127.0.0.1:$BACKEND_PORT; keepalive 32; }
  server {
    listen 127.0.0.1:$PORT;
    location / {
      proxy_pass http://service;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }
  }
}
CONF
exec nginx -c "$WORK/nginx.conf" -p "$WORK"
