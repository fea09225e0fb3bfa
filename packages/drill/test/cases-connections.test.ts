import { testCases } from './support/cases.ts';

await testCases('connections', 'sse', 'websocket');
