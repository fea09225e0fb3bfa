import http from 'node:http';
// oxlint-disable-next-line no-restricted-imports -- a test subject, not a part of the drill
import { createLifecycle } from 'lastcall';
// oxlint-disable-next-line no-restricted-imports -- a test subject, not a part of the drill
import { attachHttp, leaseOf } from 'lastcall/http';
import { app } from '../common/app.ts';

const lifecycle = createLifecycle({ leaveMaxMs: 0 });
const server = attachHttp(lifecycle, http.createServer(app({ leaseOf })));
if (process.env['HANG_HOOK'] !== undefined) lifecycle.onClose('hung', () => new Promise(() => {}));
if (process.env['FAIL_HOOK'] !== undefined) {
  lifecycle.onClose('failing', () => Promise.reject(new Error('the hook failed')));
}
lifecycle.onFlush('log', () => {
  process.stdout.write('stopped, nothing lost\n');
});
lifecycle.handleSignals();
setTimeout(
  () => server.listen(Number(process.env['PORT']), '127.0.0.1', () => lifecycle.ready()),
  Number(process.env['SLOW_START_MS'] ?? 0),
);
