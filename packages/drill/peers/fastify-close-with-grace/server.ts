import Fastify from 'fastify';
import closeWithGrace from 'close-with-grace';
import { app } from '../common/app.ts';

const handler = app({ isReady: () => !stopping });
const fastify = Fastify({ return503OnClosing: true });
// The test service reads the body itself.
fastify.removeAllContentTypeParsers();
fastify.addContentTypeParser('*', (_request, _payload, done) => {
  done(null);
});
fastify.all('/*', (request, reply) => {
  reply.hijack();
  handler(request.raw, reply.raw);
});
let stopping = false;
closeWithGrace({ delay: 4000 }, async () => {
  stopping = true;
  await fastify.close();
});
await fastify.listen({ port: Number(process.env['PORT']), host: '127.0.0.1' });
