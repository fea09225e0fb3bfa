import { testCases } from './support/cases.ts';

await testCases('reload', 'jobs');
