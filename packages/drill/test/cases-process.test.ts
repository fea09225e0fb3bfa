import { testCases } from './support/cases.ts';

await testCases('signals', 'exit', 'deadlines');
