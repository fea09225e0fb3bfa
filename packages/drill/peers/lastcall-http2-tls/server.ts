import http from 'node:http';
import http2 from 'node:http2';
// oxlint-disable-next-line no-restricted-imports -- a test subject, not a part of the drill
import { attachHttp, leaseOf } from 'lastcall/http';
// oxlint-disable-next-line no-restricted-imports -- a test subject, not a part of the drill
import { attachHttp2 } from 'lastcall/http2';
import { app } from '../common/app.ts';
import { certificate } from '../common/certificate.ts';
import { host, later, port, prepare } from '../common/lastcall.ts';

const lifecycle = prepare();
const server = attachHttp(lifecycle, http.createServer(app({ leaseOf })));
const h2 = attachHttp2(
  lifecycle,
  http2.createSecureServer({ ...certificate(), allowHTTP1: true }, app({ leaseOf }) as never),
);
later(() => {
  h2.listen(Number(process.env['H2S_PORT']), host, () => {
    server.listen(port, host, () => lifecycle.ready());
  });
});
