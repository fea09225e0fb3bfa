// For pm2: a server that ends as its documentation says, closing on SIGINT.
import http from 'node:http';
import { handle } from './handler.ts';

const server = http.createServer((request, response) => void handle(request, response));
server.listen(Number(process.env.PORT), '127.0.0.1', () => process.send?.('ready'));
process.on('SIGINT', () => {
  server.close(() => process.exit(0));
});
