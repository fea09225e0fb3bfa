import { testCases } from './support/cases.ts';

await testCases('probes', 'hooks', 'admin');
