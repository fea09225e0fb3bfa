import http from 'node:http';
import { createLifecycle } from 'lastcall';
import { attachHttp } from 'lastcall/http';
import { handle } from './handler.ts';

const lifecycle = createLifecycle();
const server = attachHttp(
  lifecycle,
  http.createServer((request, response) => void handle(request, response)),
);
lifecycle.handleSignals();
server.listen(Number(process.env.PORT), () => lifecycle.ready());
