// What a person reads when an invariant broke: which one, in words; what was done; what happened.

import { INVARIANTS, type InvariantId } from "./invariants.ts";
import { PLAIN_FATE, PLAIN_POLICY } from "./plain.ts";
import { operationLine, type WorkerPlan } from "./plan.ts";
import type { Broken } from "./reduce.ts";

/** An invariant that broke, and the shortest way to it. */
export interface StormFailure {
  /** Give it to the same check with one run to see it again. */
  readonly seed: number;
  readonly invariant: InvariantId;
  /** The invariant in words. */
  readonly rule: string;
  /** How it broke. */
  readonly what: string;
  /** The workers, where they were drawn: what differs from the plainest one. */
  readonly workers: readonly string[];
  readonly operations: readonly string[];
  /** The events up to the moment at which it broke. */
  readonly events: readonly string[];
}

/** Describes what broke. */
export function failureOf({ plan, outcome }: Broken): StormFailure {
  const invariant = outcome.violation?.invariant ?? "no crash";
  return {
    ...{ seed: plan.seed, invariant, rule: INVARIANTS[invariant] },
    what: outcome.violation?.message ?? "",
    workers: plan.workers.map(workerLine),
    operations: plan.operations.map(operationLine),
    events: outcome.log,
  };
}

/** The failure as a text. */
export function failureText(failure: StormFailure): string {
  const { seed, invariant, rule, what, workers, operations, events } = failure;
  const list = (title: string, lines: readonly string[], none: string) => [
    `${title}:`,
    ...(lines.length === 0 ? [`  ${none}`] : lines.map((line) => `  ${line}`)),
  ];
  const name = typeof invariant === "number" ? `invariant ${invariant}` : `"${invariant}"`;
  return [
    `seed ${seed} broke ${name}: ${rule}`,
    `  ${what}`,
    ...(workers.length === 0 ? [] : list("the workers", workers, "")),
    ...list(
      "what was done",
      operations,
      "nothing but the start and the shutdown of all at the end",
    ),
    ...list("what happened", events, "nothing"),
  ].join("\n");
}

function workerLine({ loop, dependsOn, policy, ...hooks }: WorkerPlan, place: number): string {
  const on = (place === 0 ? [] : dependsOn).map(
    ({ worker, restart }) => `${letter(worker % place)}${restart ? " (restarts with it)" : ""}`,
  );
  const words = [
    letter(place),
    ...(loop ? ["loop"] : []),
    ...(on.length > 0 ? [`dependsOn=${on.join("+")}`] : []),
    ...unlike(policy, PLAIN_POLICY),
  ];
  for (const hook of ["start", "run", "drain", "stop"] as const) {
    const fates = hooks[hook];
    if (fates === undefined || (hook === "run" && !loop)) continue;
    const told = fates.map((fate) => unlike(fate, PLAIN_FATE).join(" ") || "succeeds");
    if (hook === "drain" || told.some((fate) => fate !== "succeeds")) {
      words.push(`${hook}=[${told.join(", ")}]`);
    }
  }
  return words.join(" ");
}

function letter(place: number): string {
  return String.fromCharCode("a".charCodeAt(0) + place);
}

/** The fields that differ from the plain ones. */
function unlike(given: object, plain: object): string[] {
  return Object.entries(given)
    .filter(([key, value]) => value !== plain[key as keyof typeof plain])
    .map(([key, value]) => `${key}=${typeof value === "object" ? JSON.stringify(value) : value}`);
}
