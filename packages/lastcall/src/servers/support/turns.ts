/** Runs `then` when the sockets have been polled twice: what the kernel held has been read. */
export function afterTwoPolls(then: () => void): void {
  setImmediate(() => setImmediate(then));
}
