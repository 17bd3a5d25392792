// The range of a delay.

/** The longest delay: what fits one timer of Node, near 25 days (https://nodejs.org/api/timers.html#settimeoutcallback-delay-args). */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

/** Whatever a user's function returned, as a delay of 0 to 2^31-1 ms: `NaN` and what is no number count as 0. */
export function clampDelayMs(value: unknown): number {
  if (typeof value !== "number" || !(value > 0)) return 0;
  return Math.min(value, LONGEST_DELAY_MS);
}
