// A plan: who takes part, and what is done to them. Plain data, so that it can be drawn, shrunk, printed and done again.

/** What one call of drawn code does. */
export interface Fate {
  /** How long it works, in ms; `Infinity` = until somebody settles it. */
  readonly afterMs: number;
  readonly fails: boolean;
  /** Whether it throws from the call itself; counts only where it fails at once. */
  readonly sync: boolean;
  /** Which of `THROWN` it throws. */
  readonly thrown: number;
  readonly onAbort: "obey" | "ignore" | "value" | "error";
  /** How long after its abort it ends with that value or error. */
  readonly lateMs: number;
  /** What it does before anything else. */
  readonly inside: Saying | "nothing" | "stop itself";
  /** What it does when the signal of its generation aborts, from inside the abort. */
  readonly atAbort: "nothing" | "fail" | "admit" | "stop itself";
}

/** What a worker can say of itself. */
export type Saying =
  | "ready"
  | "not ready"
  | "accepting"
  | "not accepting"
  | "fail"
  | "admit"
  | "heartbeat"
  | "note"
  | "request stop"
  | "request shutdown";

/** The policy of a drawn worker; functions are numbers of the lists in policies.ts. */
export interface PolicyPlan {
  readonly startTimeoutMs: number;
  readonly stopTimeoutMs: number;
  readonly drainTimeoutMs: number;
  readonly graceMs: number;
  readonly readyOnStart: boolean;
  readonly acceptingWorkOnStart: boolean;
  readonly contributesToReadiness: boolean;
  readonly failurePolicy: "isolate" | "mark-runtime-unready" | "fail-runtime";
  readonly startRetry: number;
  readonly isPanic: number;
  readonly restart:
    | {
        readonly backoff: number;
        readonly when: number;
        readonly maxRestarts: number;
        readonly withinMs: number;
      }
    | undefined;
}

/** A drawn worker; lists of fates are gone through call by call, round and round. */
export interface WorkerPlan {
  readonly loop: boolean;
  /** Places of workers before it in the plan, modulo how many those are; the first depends on none. */
  readonly dependsOn: readonly { readonly worker: number; readonly restart: boolean }[];
  readonly policy: PolicyPlan;
  readonly start: readonly Fate[];
  readonly run: readonly Fate[];
  readonly drain: readonly Fate[] | undefined;
  readonly stop: readonly Fate[];
}

/** Who calls an operation: nobody who would leave, or one whose signal aborts after so many ms; 0 = it has
 * aborted already, `Infinity` = only an `abort` does it. */
type Caller = { readonly abortAfterMs?: number | undefined };

/** What is done. Numbers of workers, calls, leases and hooks are taken modulo how many there are. */
export type Operation =
  | { readonly do: "register" | "unregister"; readonly worker: number }
  | { readonly do: "wait idle"; readonly worker: number }
  | ({
      readonly do: "start" | "drain" | "stop";
      readonly worker: number;
      /** With its dependencies, or with its dependants. */
      readonly wide: boolean;
    } & Caller)
  | ({
      readonly do: "start all";
      readonly concurrency: number;
      readonly rollback: boolean;
    } & Caller)
  | ({ readonly do: "drain all" | "wait all idle" | "when ready" } & Caller)
  | ({ readonly do: "stop all" } & Caller)
  | {
      readonly do: "shutdown";
      readonly timeoutMs: number;
      readonly abortAfterMs?: number | undefined;
    }
  | { readonly do: "flush"; readonly timeoutMs: number }
  | { readonly do: "abort"; readonly call: number }
  | {
      readonly do: "say";
      readonly worker: number;
      /** 0 = the latest generation, 1 = the one before, and so on. */
      readonly back: number;
      readonly what: Saying;
      readonly thrown: number;
    }
  | { readonly do: "release"; readonly lease: number }
  | {
      readonly do: "settle";
      readonly hook: number;
      readonly fails: boolean;
      readonly thrown: number;
    }
  | { readonly do: "advance" | "block" | "jump"; readonly ms: number }
  | {
      readonly do: "listen";
      readonly how: "politely" | "throw" | "reject" | "hang" | "when throws" | "when says no";
    };

/** An operation, and what happens before the next: nothing, one microtask, or all that waits for no timer. */
export interface PlannedOperation {
  readonly operation: Operation;
  readonly pause: "none" | "microtask" | "quiet";
}

export interface Plan {
  readonly seed: number;
  readonly allWorkers: boolean;
  readonly workers: readonly WorkerPlan[];
  readonly operations: readonly PlannedOperation[];
}

/** One operation as a person would note it: `stop worker=2 wide=true`. */
export function operationLine({ operation, pause }: PlannedOperation): string {
  const { do: name, ...rest } = operation;
  const fields = Object.entries(rest)
    .filter(([, value]) => value !== undefined && value !== false)
    .map(([key, value]) => ` ${key}=${value}`);
  return `${name}${fields.join("")}${pause === "quiet" ? "" : `, then ${pause === "none" ? "at once" : "a microtask later"}`}`;
}
