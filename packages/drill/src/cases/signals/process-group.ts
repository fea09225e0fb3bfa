import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { slowInFlight } from '../support.ts';

export default defineCase({
  slug: 'signals/process-group',
  level: 'MUST',
  sentence: 'A signal to the whole process group stops it as gracefully as one to the process.',
  source: 'termios(3): Ctrl-C goes to the foreground process group; systemd KillMode=control-group',
  needs: ['slow'],
  async run(ctx: Context) {
    await ctx.start();
    const { exchange } = await slowInFlight(ctx);
    ctx.target.signal(ctx.config.stopSignal, -ctx.target.pid);
    await ctx.succeeded(exchange);
    await ctx.exit();
  },
});
