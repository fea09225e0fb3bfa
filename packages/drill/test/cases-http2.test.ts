import { testCases } from './support/cases.ts';

await testCases('http2', 'grpc');
