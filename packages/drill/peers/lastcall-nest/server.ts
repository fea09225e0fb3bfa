import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
// oxlint-disable-next-line no-restricted-imports -- a test subject, not a part of the drill
import { leaseOf } from 'lastcall/http';
// oxlint-disable-next-line no-restricted-imports -- a test subject, not a part of the drill
import { attachNest } from 'lastcall/nest';
import { app } from '../common/app.ts';
import { host, later, port, prepare } from '../common/lastcall.ts';

// oxlint-disable-next-line no-extraneous-class -- Nest wants a class for its module
class AppModule {}
Module({})(AppModule);
const lifecycle = prepare();
const nest = await NestFactory.create(AppModule, { bodyParser: false, logger: ['error'] });
attachNest(lifecycle, nest);
nest.use(app({ leaseOf }));
later(() => void nest.listen(port, host).then(() => lifecycle.ready()));
