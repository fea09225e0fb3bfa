#!/usr/bin/env node
if ('withResolvers' in Promise) {
  const { main } = await import('../dist/main.js');
  process.exitCode = await main(process.argv.slice(2));
} else {
  const { node } = process.versions;
  process.stderr.write(
    `lastcall: expected Node.js 22.18 or later, got ${node}. Run it on a newer one.\n`,
  );
  process.exitCode = 2;
}
