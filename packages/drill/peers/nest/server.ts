import 'reflect-metadata';
import { Module, ShutdownSignal } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { app as service } from '../common/app.ts';

// oxlint-disable-next-line no-extraneous-class -- Nest wants a class for its module
class AppModule {}
Module({})(AppModule);
let stopping = false;
const app = await NestFactory.create(AppModule, { bodyParser: false, logger: ['error'] });
app.use(service({ isReady: () => !stopping }));
process.once('SIGTERM', () => {
  stopping = true;
});
app.enableShutdownHooks([ShutdownSignal.SIGTERM, ShutdownSignal.SIGINT], { useProcessExit: true });
await app.listen(Number(process.env['PORT']), '127.0.0.1');
