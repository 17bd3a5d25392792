// What must hold whatever happens, in words: the report of a check names the one that broke.

/** The number of an invariant of the runtime; or the name of what else must be, the last three of workers that somebody gave. */
export type InvariantId =
  | 1
  | 2
  | 3
  | 4
  | 9
  | 10
  | 11
  | 12
  | 13
  | 14
  | 15
  | 16
  | 17
  | 18
  | 19
  | 21
  | 22
  | "no crash"
  | "ends in time"
  | "stops cleanly"
  | "starts again";

/** Every invariant in words; those of commands are not among them. */
export const INVARIANTS: Readonly<Record<InvariantId, string>> = {
  1: "only legal transitions occur, and the events of each worker are a walk through the table of states",
  2: "folding the events gives the status of every worker and of the runtime at every quiet moment",
  3: "the state and the readiness of the runtime are what follows from its workers",
  4: "work in flight and abandoned code are counted exactly, and the runtime's count is the sum of the workers'",
  9: "an ended generation changes nothing but its own slot",
  10: "every operation settles within its time limits",
  11: "no worker starts before what it depends on runs, and none stops before what depends on it",
  12: "lifecycle code of one worker never overlaps itself, except a stop hook beside abandoned code, and no stop hook begins before the work of its generation has ended",
  13: "a start is attempted as often and after such delays as its policy says; panics, fatal errors and abandoned code are not retried",
  14: "restarts stay within their window, and after a stop there is none",
  15: "after a shutdown no timer is pending, and a settled call leaves no listener on its signal and nothing unsettled",
  16: "an operation is refused exactly when the state forbids it, and a refused one changes nothing",
  17: "a listener or policy that throws, rejects, hangs or returns nonsense changes nothing for anyone else",
  18: "events reach each listener in the order of emission, each exactly once",
  19: "aborting a caller's signal settles that call at once with that signal's reason, and no other; a start that nobody waits for any more ends",
  21: "the same seed gives the same event log, byte for byte",
  22: "once all faults are healed, every promise settles and the runtime starts and stops",
  "no crash": "nothing is thrown outside of a promise that somebody holds",
  "ends in time":
    "the worker ends within its time limits when it is told to: none of its code is abandoned",
  "stops cleanly": "the stop hook of the worker does not fail",
  "starts again": "the worker starts and stops again after every storm, and leaves no timer behind",
};

/** An invariant that did not hold. */
export class Violation extends Error {
  readonly invariant: InvariantId;

  constructor(invariant: InvariantId, what: string) {
    super(what);
    this.name = "Violation";
    this.invariant = invariant;
  }
}
