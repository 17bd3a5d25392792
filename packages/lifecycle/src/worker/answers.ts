// Asking a user's function that answers yes or no.

/** Whether it answers exactly `expected`; what throws, or promises an answer, does not. */
export function answers(ask: () => unknown, expected: boolean): boolean {
  try {
    const answer = ask();
    if (typeof answer === "object") Promise.resolve(answer).catch(() => {}); // it may reject
    return answer === expected;
  } catch {
    return false;
  }
}
