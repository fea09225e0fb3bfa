const WANTED = 65_536;

/** The command in a shell that allows as many descriptors as it may, up to 65,536. */
export function withDescriptors(command: readonly string[]): [string, string[]] {
  const raise = `ulimit -n ${WANTED} 2>/dev/null || ulimit -n "$(ulimit -H -n)"; exec "$@"`;
  return ['/bin/sh', ['-c', raise, 'sh', ...command]];
}
