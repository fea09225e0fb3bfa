/** Lets the parent measure this server: tells its port, and its CPU time so far, in microseconds, when asked. */
export function measured(port: number): void {
  process.send?.({ port });
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    process.send?.({ cpuUs: user + system });
  });
}
