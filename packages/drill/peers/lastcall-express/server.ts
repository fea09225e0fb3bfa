import express from 'express';
// oxlint-disable-next-line no-restricted-imports -- a test subject, not a part of the drill
import { attachExpress } from 'lastcall/express';
// oxlint-disable-next-line no-restricted-imports -- a test subject, not a part of the drill
import { leaseOf } from 'lastcall/http';
import { app } from '../common/app.ts';
import { host, later, port, prepare } from '../common/lastcall.ts';

const service = express();
service.use(app({ leaseOf }));
const lifecycle = prepare();
attachExpress(lifecycle, service);
later(() => service.listen(port, host, () => lifecycle.ready()));
