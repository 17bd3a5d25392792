// What a hook of a test does, by name: it succeeds, fails, hangs, obeys an abort or does not, settles in its grace or late.

import { sleep } from "@workerkit/contracts";
import type { FakeClock } from "@workerkit/contracts/fake-clock";
import type { Hook } from "./rig.ts";

export type Behaviour =
  | "returns"
  | "throws"
  | "succeeds"
  | "fails"
  | "obeys"
  | "succeeds in its grace"
  | "fails in its grace"
  | "hangs"
  | "succeeds late"
  | "fails late";

export const BEHAVIOURS: readonly Behaviour[] = [
  ...(["returns", "throws", "succeeds", "fails", "obeys", "succeeds in its grace"] as const),
  ...(["fails in its grace", "hangs", "succeeds late", "fails late"] as const),
];

/** How long hooks take that do not wait for an abort, and how long after an abort the others do. */
const TAKES_MS = { before: 10, inGrace: 400, late: 2_500 } as const;

/** Runs one behaviour on the test's clock. */
export function behave(behaviour: Behaviour, clock: FakeClock): Hook {
  return (_, { signal }) => {
    const aborted = () =>
      new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        else signal.addEventListener("abort", () => resolve());
      });
    const afterAbort = (ms: number) => aborted().then(() => sleep(clock, ms));
    const fail = () => {
      throw new Error(behaviour);
    };
    switch (behaviour) {
      case "returns":
        return behaviour;
      case "throws":
        return fail();
      case "succeeds":
        return sleep(clock, TAKES_MS.before).then(() => behaviour);
      case "fails":
        return sleep(clock, TAKES_MS.before).then(fail);
      case "obeys":
        return aborted().then(() => Promise.reject(signal.reason));
      case "succeeds in its grace":
        return afterAbort(TAKES_MS.inGrace).then(() => behaviour);
      case "fails in its grace":
        return afterAbort(TAKES_MS.inGrace).then(fail);
      case "hangs":
        return new Promise(() => {});
      case "succeeds late":
        return afterAbort(TAKES_MS.late).then(() => behaviour);
      case "fails late":
        return afterAbort(TAKES_MS.late).then(fail);
    }
  };
}

/** What an operation sees of a hook of this behaviour, once its limit or an abort has come. */
export function resultOf(behaviour: Behaviour): "ok" | "failed" | "abandoned" {
  switch (behaviour) {
    case "returns":
    case "succeeds":
    case "succeeds in its grace":
      return "ok";
    case "throws":
    case "fails":
    case "obeys":
    case "fails in its grace":
      return "failed";
    default:
      return "abandoned";
  }
}
