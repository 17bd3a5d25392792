// Timers of a fake clock that tell when they fired.

import type { ClockTimer } from "@workerkit/contracts";
import type { FakeClock } from "@workerkit/contracts/fake-clock";

/** Sets timers that write down their name and the time. */
export function recorder(clock: FakeClock) {
  const log: string[] = [];
  const timer = (name: string, delayMs: number, then: () => void = () => {}): ClockTimer =>
    clock.setTimeout(() => {
      log.push(`${name} at ${clock.monotonicMs()}`);
      then();
    }, delayMs);
  return { log, timer };
}
