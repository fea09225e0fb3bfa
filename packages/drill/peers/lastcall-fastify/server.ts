import Fastify from 'fastify';
// oxlint-disable-next-line no-restricted-imports -- a test subject, not a part of the drill
import { attachFastify } from 'lastcall/fastify';
// oxlint-disable-next-line no-restricted-imports -- a test subject, not a part of the drill
import { leaseOf } from 'lastcall/http';
import { app } from '../common/app.ts';
import { host, later, port, prepare } from '../common/lastcall.ts';

const handler = app({ leaseOf });
const lifecycle = prepare();
const fastify = attachFastify(lifecycle, Fastify());
// The test service reads the body itself.
fastify.removeAllContentTypeParsers();
fastify.addContentTypeParser('*', (_request, _payload, done) => {
  done(null);
});
fastify.all('/*', (request, reply) => {
  reply.hijack();
  handler(request.raw, reply.raw);
});
later(() => void fastify.listen({ port, host }).then(() => lifecycle.ready()));
