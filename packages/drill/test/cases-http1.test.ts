import { testCases } from './support/cases.ts';

await testCases('http1');
