import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { Hono } from 'hono';
// oxlint-disable-next-line no-restricted-imports -- a test subject, not a part of the drill
import { attachHono, type LeaseBindings } from 'lastcall/hono';
// oxlint-disable-next-line no-restricted-imports -- a test subject, not a part of the drill
import { leaseOf } from 'lastcall/http';
import { app } from '../common/app.ts';
import { host, later, port, prepare } from '../common/lastcall.ts';

const handler = app({ leaseOf });
const service = new Hono<{ Bindings: LeaseBindings }>();
service.all('*', (c) => {
  handler(c.env.incoming, c.env.outgoing);
  return RESPONSE_ALREADY_SENT;
});
const lifecycle = prepare();
const server = attachHono(lifecycle, service);
later(() => server.listen(port, host, () => lifecycle.ready()));
