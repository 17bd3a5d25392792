// Finding the shortest plan that still breaks the same invariant: fast-check shrinks what it drew, and what is left is thinned
// out from all sides.

import type fc from "fast-check";
import { PLAIN_FATE, PLAIN_POLICY } from "./plain.ts";
import type { Fate, Plan, PlannedOperation, WorkerPlan } from "./plan.ts";
import type { PlanOutcome } from "./run-plan.ts";

/** A plan that breaks an invariant, and how. */
export interface Broken {
  readonly plan: Plan;
  readonly outcome: PlanOutcome;
}

/** How often a plan may be run to make it shorter. */
const MOST_RUNS = 3_000;

/** Makes a plan that breaks an invariant as short as it can. */
export async function reduce(
  found: Broken,
  arbitrary: fc.Arbitrary<Plan>,
  run: (plan: Plan) => Promise<PlanOutcome>,
): Promise<Broken> {
  const reducer = new Reducer(found, run);
  await reducer.cut();
  await reducer.thinOut();
  await reducer.shrink(arbitrary);
  await reducer.simplify();
  await reducer.thinOut();
  return reducer.best;
}

class Reducer {
  best: Broken;
  #left = MOST_RUNS;
  readonly #run: (plan: Plan) => Promise<PlanOutcome>;

  constructor(found: Broken, run: (plan: Plan) => Promise<PlanOutcome>) {
    this.best = found;
    this.#run = run;
  }

  /** Tries a plan; keeps it if it breaks the same invariant. */
  async #try(plan: Plan): Promise<boolean> {
    if (this.#left <= 0) return false;
    this.#left -= 1;
    const outcome = await this.#run(plan);
    if (outcome.violation?.invariant !== this.best.outcome.violation?.invariant) return false;
    this.best = { plan, outcome };
    return true;
  }

  /** What came after the violation had no part in it. */
  async cut(): Promise<void> {
    const { plan, outcome } = this.best;
    await this.#try({ ...plan, operations: plan.operations.slice(0, outcome.operations) });
  }

  /** Leaves out halves, quarters, and so on down to single operations, for as long as that helps. */
  async thinOut(): Promise<void> {
    let size = Math.ceil(this.best.plan.operations.length / 2);
    while (size >= 1) {
      let shorter = false;
      for (let at = 0; at < this.best.plan.operations.length; ) {
        const { plan } = this.best;
        const operations = plan.operations.filter((_, index) => index < at || index >= at + size);
        if (await this.#try({ ...plan, operations })) shorter = true;
        else at += size;
      }
      if (size > 1 || !shorter) size = Math.floor(size / 2);
    }
  }

  /** Lets fast-check make the values themselves plain, beginning from what it drew. */
  async shrink(arbitrary: fc.Arbitrary<Plan>): Promise<void> {
    const { plan } = this.best;
    if (!arbitrary.canShrinkWithoutContext(plan)) return;
    for (let value: Plan | undefined = plan; value !== undefined; ) {
      const from: Plan = value;
      value = undefined;
      for (const smaller of arbitrary.shrink(from, undefined)) {
        if (this.#left <= 0) return;
        if (!(await this.#try(smaller.value))) continue;
        value = smaller.value;
        break;
      }
    }
  }

  /** Every pause a quiet one, every fate and every policy the plainest, wherever the violation stays. */
  async simplify(): Promise<void> {
    for (let at = 0; at < this.best.plan.operations.length; at++) {
      await this.#change("operations", at, (planned) => ({ ...planned, pause: "quiet" }));
      for (const plain of PLAIN_OPERATION) {
        await this.#change("operations", at, (planned) => withField(planned, plain));
      }
    }
    for (let at = this.best.plan.workers.length - 1; at >= 0; at--) {
      await this.#change("workers", at, (worker) => ({ ...worker, dependsOn: [] }));
      await this.#change("workers", at, (worker) => ({ ...worker, loop: false }));
      await this.#change("workers", at, ({ drain, ...worker }) => ({
        ...worker,
        drain: undefined,
      }));
      for (const hook of ["start", "run", "drain", "stop"] as const) await this.#plain(at, hook);
      for (const key of Object.keys(PLAIN_POLICY) as (keyof typeof PLAIN_POLICY)[]) {
        await this.#change("workers", at, (worker) => ({
          ...worker,
          policy: { ...worker.policy, [key]: PLAIN_POLICY[key] },
        }));
      }
    }
    await this.#dropWorkers();
  }

  async #plain(at: number, hook: "start" | "run" | "drain" | "stop"): Promise<void> {
    if (await this.#change("workers", at, (worker) => withFates(worker, hook, [PLAIN_FATE])))
      return;
    const fates = this.best.plan.workers[at]?.[hook] ?? [];
    for (let call = fates.length - 1; call >= 0; call--) {
      const isLast = (worker: WorkerPlan) => (worker[hook]?.length ?? 0) - 1 === call;
      await this.#change("workers", at, (worker) =>
        withFates(
          worker,
          hook,
          isLast(worker) ? (worker[hook] ?? []).slice(0, -1) : (worker[hook] ?? []),
        ),
      );
      for (const key of Object.keys(PLAIN_FATE) as (keyof Fate)[]) {
        await this.#change("workers", at, (worker) =>
          withFates(
            worker,
            hook,
            (worker[hook] ?? []).map((fate, index) =>
              index === call ? { ...fate, [key]: PLAIN_FATE[key] } : fate,
            ),
          ),
        );
      }
    }
  }

  async #dropWorkers(): Promise<void> {
    while (this.best.plan.workers.length > 1) {
      const { plan } = this.best;
      if (!(await this.#try({ ...plan, workers: plan.workers.slice(0, -1) }))) return;
    }
  }

  async #change<Key extends "operations" | "workers">(
    key: Key,
    at: number,
    change: (item: Plan[Key][number]) => Plan[Key][number],
  ): Promise<boolean> {
    const { plan } = this.best;
    const items: readonly Plan[Key][number][] = plan[key];
    const changed = items.map((item, index) => (index === at ? change(item) : item));
    if (JSON.stringify(changed) === JSON.stringify(items)) return false;
    return this.#try({ ...plan, [key]: changed });
  }
}

/** What operations can do without. */
const PLAIN_OPERATION: readonly (readonly [key: string, value: unknown])[] = [
  ["abortAfterMs", undefined],
  ["wide", false],
  ["thrown", 0],
  ["fails", false],
  ["back", 0],
  ["rollback", true],
  ["concurrency", 1],
];

function withField(
  planned: PlannedOperation,
  [key, value]: readonly [key: string, value: unknown],
): PlannedOperation {
  if (!(key in planned.operation)) return planned;
  return { ...planned, operation: { ...planned.operation, [key]: value } };
}

function withFates(
  worker: WorkerPlan,
  hook: "start" | "run" | "drain" | "stop",
  fates: readonly Fate[],
): WorkerPlan {
  if (worker[hook] === undefined || fates.length === 0) return worker;
  return { ...worker, [hook]: fates };
}
