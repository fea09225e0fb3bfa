import { admitCostNs, leaseBytes } from './ledger.ts';

console.log(JSON.stringify({ admitNs: admitCostNs(), leaseBytes: leaseBytes() }));
