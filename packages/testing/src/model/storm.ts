// Storm after storm, each from a seed of its own, until one breaks an invariant or all have passed.

import type { WorkerDefinition } from "@workerkit/lifecycle";
import fc from "fast-check";
import { type DrawOptions, plans } from "./draw.ts";
import { Violation } from "./invariants.ts";
import type { Plan } from "./plan.ts";
import { type Broken, reduce } from "./reduce.ts";
import { type Demands, type PlanOutcome, runPlan } from "./run-plan.ts";

/** What storms are made of. */
export interface StormOptions {
  /** The seed of the first storm; each further one adds `step`. */
  readonly seed: number;
  readonly step: number;
  /** Storms end when so many have passed, or so many operations have been done. */
  readonly storms: number;
  readonly operations: number;
  /** How many operations a storm has on average. */
  readonly operationsPerStorm: number;
  /** Whether the plan that breaks is made as short as it can be. Default true. */
  readonly shorten?: boolean | undefined;
  /** Workers to put through them, instead of drawn ones. */
  readonly given?:
    | { readonly workers: () => readonly WorkerDefinition[]; readonly demands: Demands }
    | undefined;
}

/** How storms went. */
export interface StormFigures {
  readonly storms: number;
  readonly operations: number;
  readonly events: number;
  /** How much time passed on the fake clocks, in ms. */
  readonly fakeMs: number;
  /** How often what was reached that is rare and must be. */
  readonly reached: Readonly<Record<string, number>>;
}

/** Lets storms loose; `broken` is the first that broke an invariant, made as short as it can be. */
export async function storm(
  options: StormOptions,
): Promise<{ readonly figures: StormFigures; readonly broken: Broken | undefined }> {
  const { given, operationsPerStorm } = options;
  const figures = { storms: 0, operations: 0, events: 0, fakeMs: 0, reached: {} };
  const cast = given?.workers().length;
  const run = (plan: Plan) =>
    runTwice(plan, (again) =>
      runPlan(again, given && { workers: given.workers(), demands: given.demands }),
    );
  for (let { seed } = options; figures.storms < options.storms; seed += options.step) {
    if (figures.operations >= options.operations) break;
    const draw = { seed, operations: operationsPerStorm, cast };
    const plan = drawnPlan(draw);
    const outcome = await run(plan);
    add(figures, outcome);
    if (outcome.violation === undefined) continue;
    if (options.shorten === false) return { figures, broken: { plan, outcome } };
    return { figures, broken: await reduce({ plan, outcome }, plans(draw), run) };
  }
  return { figures, broken: undefined };
}

/** The plan of a seed; the same each time. */
export function drawnPlan(options: DrawOptions): Plan {
  const [plan] = fc.sample(plans(options), { seed: options.seed, numRuns: 1 });
  if (plan === undefined) throw new Error(`no plan was drawn from seed ${options.seed}`);
  return plan;
}

/** Every eighth plan is run twice: it must give the same log (21), also without listeners that misbehave (17). */
async function runTwice(
  plan: Plan,
  run: (plan: Plan) => Promise<PlanOutcome>,
): Promise<PlanOutcome> {
  const outcome = await run(plan);
  if (outcome.violation !== undefined || plan.seed % 8 !== 0) return outcome;
  const hostile = plan.operations.some(({ operation }) => operation.do === "listen");
  const invariant = hostile ? 17 : 21;
  const again = await run(hostile ? politely(plan) : plan);
  const violation = differs(outcome.log, again.log);
  if (violation === undefined) return outcome;
  return { ...outcome, violation: new Violation(invariant, violation) };
}

/** One that hangs stays: a shutdown waits for it, as long as it may. */
function politely(plan: Plan): Plan {
  const operations = plan.operations.map((planned) => {
    const { operation } = planned;
    if (operation.do !== "listen" || operation.how === "hang") return planned;
    return { ...planned, operation: { ...operation, how: "politely" as const } };
  });
  return { ...plan, operations };
}

function differs(first: readonly string[], second: readonly string[]): string | undefined {
  const at = first.findIndex((line, index) => line !== second[index]);
  if (at < 0 && first.length === second.length) return undefined;
  const place = at < 0 ? first.length : at;
  return `event ${place + 1} was "${first[place]}", and the second time "${second[place]}"`;
}

function add(
  figures: {
    storms: number;
    operations: number;
    events: number;
    fakeMs: number;
    reached: Record<string, number>;
  },
  outcome: PlanOutcome,
): void {
  figures.storms += 1;
  figures.operations += outcome.operations;
  figures.events += outcome.events;
  figures.fakeMs += outcome.fakeMs;
  for (const [what, times] of outcome.reached) {
    figures.reached[what] = (figures.reached[what] ?? 0) + times;
  }
}
