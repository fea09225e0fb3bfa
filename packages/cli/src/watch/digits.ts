const ROWS = [
  '┏━┓ ╻ ╺━┓╺━┓╻ ╻┏━╸┏━╸╺━┓┏━┓┏━┓',
  '┃ ┃ ┃ ┏━┛╺━┫┗━┫┗━┓┣━┓  ┃┣━┫┗━┫',
  '┗━┛ ╹ ┗━╸╺━┛  ╹╺━┛┗━┛  ╹┗━┛╺━┛',
] as const;

/** A number in three rows. */
export function large(count: number): string[] {
  const digits = Array.from(String(count), Number);
  return ROWS.map((row) => digits.map((digit) => row.slice(digit * 3, digit * 3 + 3)).join(' '));
}
