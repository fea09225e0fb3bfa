// Tells its parent when each work began.
import { openHandover } from '@lastcall/handover';

const handover = await openHandover({ connectionString: process.env.DATABASE_URL ?? '' });
handover.handle('start', () => {
  process.send?.(String(process.hrtime.bigint()));
});
process.once('SIGTERM', () => {
  void handover.close().then(() => process.disconnect());
});
process.send?.('ready');
