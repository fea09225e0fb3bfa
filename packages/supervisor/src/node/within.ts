/** The answer, or `otherwise` when it fails or takes too long. */
export async function withinOr<T>(
  answer: Promise<T> | undefined,
  limitMs: number,
  otherwise: T,
): Promise<T> {
  return answer === undefined ? otherwise : within(answer, limitMs).catch(() => otherwise);
}

export async function within<T>(answer: Promise<T>, limitMs: number): Promise<T> {
  if (limitMs === Infinity) return answer;
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`no answer within ${limitMs} ms`)), limitMs);
  try {
    return await Promise.race([answer, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
