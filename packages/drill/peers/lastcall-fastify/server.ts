import Fastify from 'fastify';
// oxlint-disable-next-line no-restricted-imports -- a test subject, not a part of the drill
import { createLifecycle } from 'lastcall';
// oxlint-disable-next-line no-restricted-imports -- a test subject, not a part of the drill
import { attachFastify } from 'lastcall/fastify';
// oxlint-disable-next-line no-restricted-imports -- a test subject, not a part of the drill
import { leaseOf } from 'lastcall/http';
import { app } from '../common/app.ts';

const handler = app({ leaseOf });
const fastify = Fastify();
// The test service reads the body itself.
fastify.removeAllContentTypeParsers();
fastify.addContentTypeParser('*', (_request, _payload, done) => {
  done(null);
});
fastify.all('/*', (request, reply) => {
  reply.hijack();
  handler(request.raw, reply.raw);
});
const lifecycle = createLifecycle({ graceMs: 4000, forceMs: 1000, leaveMaxMs: 0 });
attachFastify(lifecycle, fastify);
lifecycle.handleSignals();
await fastify.listen({ port: Number(process.env['PORT']), host: '127.0.0.1' });
lifecycle.ready();
