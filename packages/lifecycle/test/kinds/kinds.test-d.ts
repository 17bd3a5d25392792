import {
  check,
  defineWorker,
  type PollWorker,
  poll,
  stream,
  task,
  type WorkContext,
  type Worker,
  type WorkerDefinition,
} from "@workerkit/lifecycle";
import { expectTypeOf, it } from "vitest";

const never = () => new Promise<never>(() => {});

it("infers the item of a stream from its source, whatever the source is", () => {
  stream({
    source: () => [1, 2],
    handle: (item, ctx) => {
      expectTypeOf(item).toEqualTypeOf<number>();
      expectTypeOf(ctx).toEqualTypeOf<WorkContext<void>>();
    },
    onError: (error, item) => {
      expectTypeOf(error).toBeUnknown();
      expectTypeOf(item).toEqualTypeOf<number>();
      return "continue";
    },
  });
  stream({
    async *source({ draining, signal }) {
      expectTypeOf(draining).toEqualTypeOf<AbortSignal>();
      expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
      yield { id: 1 };
    },
    handle: (item) => expectTypeOf(item).toEqualTypeOf<{ id: number }>(),
  });
  stream({
    handle: (item) => expectTypeOf(item).toEqualTypeOf<string>(),
    source: () => new Set(["a"]),
  });
});

it("gives each kind a worker without state", () => {
  expectTypeOf(poll(never, { everyMs: 1 })).toEqualTypeOf<PollWorker>();
  expectTypeOf(stream({ source: () => [1], handle: never })).toEqualTypeOf<Worker<void>>();
  expectTypeOf(task(never)).toEqualTypeOf<Worker<void>>();
  expectTypeOf(check(() => "pass", { everyMs: 1 })).toEqualTypeOf<Worker<void>>();
  const definition = defineWorker({ name: "w", worker: poll(never, { everyMs: 1 }) });
  expectTypeOf(definition).toEqualTypeOf<WorkerDefinition<void>>();
});

it("types the context of a run and what a probe may return", () => {
  poll(({ lease, signal, sleep }) => [lease.label, signal.aborted, sleep(1)], { everyMs: 1 });
  task((ctx) => expectTypeOf(ctx).toEqualTypeOf<WorkContext<void>>());
  check(async (ctx) => (ctx.signal.aborted ? "warn" : { outcome: "fail", message: "down" }), {
    everyMs: 1,
  });
  // @ts-expect-error no such outcome
  check(() => "ok", { everyMs: 1 });
  // @ts-expect-error nothing is no outcome
  check(() => {}, { everyMs: 1 });
});

it("refuses what is missing or misspelt", () => {
  // @ts-expect-error everyMs is missing
  poll(never, {});
  // @ts-expect-error no such option
  poll(never, { everyMs: 1, timeout: 5 });
  // @ts-expect-error no such word
  poll(never, { everyMs: 1, onError: "ignore" });
  // @ts-expect-error handle is missing
  stream({ source: () => [1] });
  // @ts-expect-error another item
  stream({ source: () => [1], handle: (item: string) => item });
  // @ts-expect-error no such word
  task(never, { onComplete: "exit" });
});
