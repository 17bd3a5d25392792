import fc from "fast-check";
import { expect, it } from "vitest";
import { crew, type Part } from "./crew.ts";

interface Plan {
  /** For each worker, in the order of registration, those that it depends on. */
  readonly dependsOn: readonly (readonly number[])[];
  /** How long each takes to start: distinct powers of two, so that no two starts end at the same moment. */
  readonly takesMs: readonly number[];
  readonly concurrency: number;
}

/** A graph without cycles, registered in any order: workers depend on those that come before them in a shuffled list. */
const anyPlan: fc.Arbitrary<Plan> = fc.integer({ min: 1, max: 7 }).chain((count) => {
  const places = Array.from({ length: count }, (_, index) => index);
  const shuffled = fc.shuffledSubarray(places, { minLength: count });
  const edges = fc.array(fc.boolean(), { minLength: count * count, maxLength: count * count });
  return fc
    .record({ rank: shuffled, edges, powers: shuffled, limit: fc.integer({ min: 1, max: 4 }) })
    .map(({ rank, edges: edge, powers, limit }) => ({
      dependsOn: places.map((worker) =>
        places.filter(
          (other) => Number(rank[other]) < Number(rank[worker]) && edge[worker * count + other],
        ),
      ),
      takesMs: powers.map((power) => 2 ** power),
      concurrency: limit === 4 ? Number.POSITIVE_INFINITY : limit,
    }));
});

/** When each worker begins to start: whenever there is room, the first registered of those whose dependencies run. */
function naiveStarts({ dependsOn, takesMs, concurrency }: Plan): string[] {
  const startedAt: number[] = [];
  const endsAt = (worker: number) => Number(startedAt[worker]) + Number(takesMs[worker]);
  const calls: string[] = [];
  for (let now = 0; calls.length < takesMs.length; now += 1) {
    for (;;) {
      const starting = Object.keys(startedAt).filter((worker) => endsAt(Number(worker)) > now);
      const next = dependsOn.findIndex(
        (dependencies, worker) =>
          startedAt[worker] === undefined && dependencies.every((other) => endsAt(other) <= now),
      );
      if (next < 0 || starting.length >= concurrency) break;
      startedAt[next] = now;
      calls.push(`start w${next} at ${now}`);
    }
  }
  return calls;
}

it("B1 starts in graph order, ties by registration, side by side up to the limit, and never leaves room unused", async () => {
  await fc.assert(
    fc.asyncProperty(anyPlan, async (plan) => {
      const { dependsOn, takesMs, concurrency } = plan;
      const parts = dependsOn.map((dependencies, worker): [string, Part] => [
        `w${worker}`,
        {
          dependsOn: dependencies.map((other) => `w${other}`),
          start: ({ sleep }) => sleep(Number(takesMs[worker])),
        },
      ]);
      const it = crew(Object.fromEntries(parts));
      await it.clock.settle(it.runtime.startAll({ concurrency }));
      expect(it.calls).toEqual(naiveStarts(plan));
      await it.end();
    }),
    { numRuns: 300 },
  );
});
