import Koa from 'koa';
// oxlint-disable-next-line no-restricted-imports -- a test subject, not a part of the drill
import { leaseOf } from 'lastcall/http';
// oxlint-disable-next-line no-restricted-imports -- a test subject, not a part of the drill
import { attachKoa } from 'lastcall/koa';
import { app } from '../common/app.ts';
import { host, later, port, prepare } from '../common/lastcall.ts';

const handler = app({ leaseOf });
const service = new Koa();
service.use((ctx) => {
  ctx.respond = false;
  ctx.res.statusCode = 200; // Koa begins with 404
  handler(ctx.req, ctx.res);
});
const lifecycle = prepare();
attachKoa(lifecycle, service);
later(() => service.listen(port, host, () => lifecycle.ready()));
