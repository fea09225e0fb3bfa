import http from 'node:http';
import { createLightship } from 'lightship';
import { app } from '../common/app.ts';

const lightship = await createLightship({
  detectKubernetes: false,
  gracefulShutdownTimeout: 5000,
  shutdownDelay: 500,
  port: Number(process.env['ADMIN_PORT']),
});
const server = http.createServer(app({ isReady: () => lightship.isServerReady() }));
lightship.registerShutdownHandler(
  () =>
    new Promise((resolve) => {
      server.close(() => resolve());
    }),
);
server.listen(Number(process.env['PORT']), '127.0.0.1', () => lightship.signalReady());
