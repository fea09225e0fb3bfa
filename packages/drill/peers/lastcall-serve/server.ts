import http from 'node:http';
// oxlint-disable-next-line no-restricted-imports -- a test subject, not a part of the drill
import { attachHttp, leaseOf } from 'lastcall/http';
import { app } from '../common/app.ts';
import { host, later, port, prepare } from '../common/lastcall.ts';

const lifecycle = prepare();
const server = attachHttp(lifecycle, http.createServer(app({ leaseOf })));
later(() => server.listen(port, host, () => lifecycle.ready()));
