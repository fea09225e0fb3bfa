import http from 'node:http';
import { app } from '../common/app.ts';

// The service behind the proxy; it is not what is judged, and goes when the proxy has gone.
const proxy = Number(process.env['PROXY_PID']);
http.createServer(app()).listen(Number(process.env['BACKEND_PORT']), '127.0.0.1');
setInterval(() => {
  try {
    process.kill(proxy, 0);
  } catch {
    process.exit(0);
  }
}, 50);
