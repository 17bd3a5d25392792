import type { WorkerTransitionEvent } from "@workerkit/contracts";
import {
  createLifecycle,
  type Dependency,
  defineWorker,
  type HookCall,
  type Lifecycle,
  type LifecycleOptions,
  loop,
  type MaybePromise,
  type RuntimeStatus,
  runUntilSignal,
  type ShutdownOptions,
  type ShutdownReport,
  type StartMustStandFirst,
  type StopOptions,
  type Worker,
  type WorkerContext,
  type WorkerDefinition,
  type WorkerOptions,
  type WorkerPolicy,
  type WorkerStatus,
} from "@workerkit/lifecycle";
import { constant, never } from "@workerkit/retry";
import { describe, expectTypeOf, it } from "vitest";

interface Pool {
  query(text: string): Promise<string[]>;
  end(): Promise<"OK">;
}
declare const connect: () => Promise<Pool>;
declare const pool: Pool;
declare const runtime: Lifecycle;
const stop = () => {};

/** The state that a definition carries. */
type StateOf<D> = D extends WorkerDefinition<infer State> ? State : never;

describe("the state of a worker", () => {
  it("is what start returns: a value, a promise, a thenable, one of several, or nothing", () => {
    const sync = defineWorker({ name: "w", worker: { start: () => 5, stop } });
    const async_ = defineWorker({ name: "w", worker: { start: async () => ({ n: 5 }), stop } });
    const thenable = (): PromiseLike<boolean> => Promise.resolve(true);
    const then = defineWorker({ name: "w", worker: { start: thenable, stop } });
    const either = (): "now" | Promise<"now"> => "now";
    const both = defineWorker({ name: "w", worker: { start: either, stop } });
    const nothing = defineWorker({ name: "w", worker: { start: () => {}, stop } });
    const later = defineWorker({ name: "w", worker: { start: async () => {}, stop } });
    expectTypeOf<StateOf<typeof sync>>().toEqualTypeOf<number>();
    expectTypeOf<StateOf<typeof async_>>().toEqualTypeOf<{ n: number }>();
    expectTypeOf<StateOf<typeof then>>().toEqualTypeOf<boolean>();
    expectTypeOf<StateOf<typeof both>>().toEqualTypeOf<"now">();
    expectTypeOf<StateOf<typeof nothing>>().toEqualTypeOf<void>();
    expectTypeOf<StateOf<typeof later>>().toEqualTypeOf<void>();
  });

  it("is seen in drain as it is, and in stop with undefined, for start may never have returned it", () => {
    defineWorker({
      name: "db",
      worker: {
        start: async (ctx, call) => {
          expectTypeOf(ctx).toEqualTypeOf<WorkerContext<void>>();
          expectTypeOf(call).toEqualTypeOf<HookCall>();
          expectTypeOf(call.signal).toEqualTypeOf<AbortSignal>();
          return connect();
        },
        drain: ({ state }) => expectTypeOf(state).toEqualTypeOf<Pool>(),
        stop: ({ state }) => {
          expectTypeOf(state).toEqualTypeOf<Pool | undefined>();
          return state?.end(); // hooks may return anything
        },
      },
    });
    // @ts-expect-error the state may be undefined here
    defineWorker({ name: "db", worker: { start: connect, stop: ({ state }) => state.end() } });
  });

  it("is inferred from methods, functions and references alike", () => {
    const method = defineWorker({
      name: "w",
      worker: {
        async start({ name }) {
          return { name };
        },
        stop({ state }) {
          expectTypeOf(state).toEqualTypeOf<{ name: string } | undefined>();
        },
      },
    });
    const function_ = defineWorker({
      name: "w",
      worker: {
        start: async function start() {
          return [1];
        },
        stop: function end({ state }) {
          expectTypeOf(state).toEqualTypeOf<number[] | undefined>();
        },
      },
    });
    const reference = defineWorker({ name: "w", worker: { start: connect, stop } });
    expectTypeOf<StateOf<typeof method>>().toEqualTypeOf<{ name: string }>();
    expectTypeOf<StateOf<typeof function_>>().toEqualTypeOf<number[]>();
    expectTypeOf<StateOf<typeof reference>>().toEqualTypeOf<Pool>();
  });

  it("comes from class instances: loose, annotated, by the interface, or the instance itself", () => {
    class Loose {
      start = async () => pool;
      stop = () => {};
    }
    class Annotated {
      async start(_: WorkerContext<void>): Promise<Pool> {
        return pool;
      }
      stop({ state }: WorkerContext<Pool | undefined>): unknown {
        return state?.end();
      }
    }
    class ByInterface implements Worker<Pool> {
      readonly start = connect;
      readonly stop = ({ state }: WorkerContext<Pool | undefined>) => state?.end();
    }
    class Itself {
      readonly size = 5;
      async start() {
        return this;
      }
      stop() {}
    }
    const loose = defineWorker({ name: "w", worker: new Loose() });
    const annotated = defineWorker({ name: "w", worker: new Annotated() });
    const byInterface = defineWorker({ name: "w", worker: new ByInterface() });
    const itself = defineWorker({ name: "w", worker: new Itself() });
    expectTypeOf<StateOf<typeof loose>>().toEqualTypeOf<Pool>();
    expectTypeOf<StateOf<typeof annotated>>().toEqualTypeOf<Pool>();
    expectTypeOf<StateOf<typeof byInterface>>().toEqualTypeOf<Pool>();
    expectTypeOf<StateOf<typeof itself>>().toEqualTypeOf<Itself>();
    class TooNarrow {
      start = connect;
      stop = (ctx: WorkerContext<Pool>) => ctx.state.end();
    }
    // @ts-expect-error its stop does not reckon with a start that never returned
    defineWorker({ name: "w", worker: new TooNarrow() });
  });

  it("is StartMustStandFirst where a hook that uses it stands before start", () => {
    defineWorker({
      name: "w",
      worker: {
        // @ts-expect-error TypeScript reads from left to right
        stop: ({ state }) => state?.n,
        // @ts-expect-error as above
        start: (ctx) => ({ n: ctx.generation }),
      },
    });
    expectTypeOf<StartMustStandFirst>().toHaveProperty("~start must stand first");
  });

  it("stands in any order where nothing depends on the order", () => {
    const arrow = defineWorker({
      name: "w",
      worker: {
        stop: ({ state }) => expectTypeOf(state).toEqualTypeOf<{ n: number } | undefined>(),
        start: () => ({ n: 5 }),
      },
    });
    const plain = defineWorker({ name: "w", worker: { stop: () => {}, start: (ctx) => ctx.name } });
    expectTypeOf<StateOf<typeof arrow>>().toEqualTypeOf<{ n: number }>();
    expectTypeOf<StateOf<typeof plain>>().toEqualTypeOf<string>();
  });
});

describe("wrappers", () => {
  it("a kind of one's own and a generic wrapper carry the state through", () => {
    const every = (ms: number): Worker<{ timer: number }> => ({
      kind: "every",
      start: () => ({ timer: ms }),
      stop: ({ state }) => state?.timer,
    });
    const own = defineWorker({ name: "w", worker: every(5) });
    expectTypeOf<StateOf<typeof own>>().toEqualTypeOf<{ timer: number }>();

    const traced = <State>(worker: Worker<State>): Worker<State> => worker;
    const wrapped = defineWorker({
      name: "w",
      worker: traced({
        start: ({ generation }) => ({ generation }),
        stop: ({ state }) =>
          expectTypeOf(state).toEqualTypeOf<{ generation: number } | undefined>(),
      }),
    });
    expectTypeOf<StateOf<typeof wrapped>>().toEqualTypeOf<{ generation: number }>();

    const resource = <T>(open: () => MaybePromise<T>, close: (value: T) => unknown) =>
      defineWorker({
        name: "w",
        worker: {
          start: () => open(),
          stop: ({ state }) => (state === undefined ? undefined : close(state as T)),
        },
      });
    expectTypeOf(resource(connect, (open) => open.end())).toEqualTypeOf<WorkerDefinition<Pool>>();
  });

  it("a loop carries what onStart returns", () => {
    const looping = defineWorker({
      name: "w",
      worker: loop({
        onStart: connect,
        run: ({ state }) => expectTypeOf(state).toEqualTypeOf<Pool>(),
        onStop: ({ state }) => expectTypeOf(state).toEqualTypeOf<Pool | undefined>(),
      }),
    });
    expectTypeOf<StateOf<typeof looping>>().toEqualTypeOf<Pool>();
    const bare = defineWorker({ name: "w", worker: loop((ctx) => ctx.sleep(5)) });
    expectTypeOf<StateOf<typeof bare>>().toEqualTypeOf<void>();
  });
});

describe("dependencies", () => {
  const db = defineWorker({ name: "db", worker: { start: connect, stop } });
  const clock = defineWorker({ name: "clock", worker: { start: () => {}, stop } });

  it("are definitions of any state, names, or either with what happens on a restart", () => {
    const list = [
      db,
      clock,
      "cache",
      { worker: db },
      { worker: "q", onRestart: "restart" },
    ] as const;
    expectTypeOf(list).toExtend<readonly Dependency[]>();
    defineWorker({ name: "w", dependsOn: list, worker: { start: () => {}, stop } });
    defineWorker({
      name: "w",
      dependsOn: [{ worker: db, onRestart: "restart" }],
      worker: {
        start: (ctx) => expectTypeOf(ctx.use(db)).toEqualTypeOf<Pool>(),
        stop: (ctx) => expectTypeOf(ctx.use(clock)).toEqualTypeOf<void>(),
      },
    });
    defineWorker({
      name: "w",
      // @ts-expect-error no such thing happens on a restart
      dependsOn: [{ worker: db, onRestart: "follow" }],
      worker: { start: () => {}, stop },
    });
    // @ts-expect-error a name does not say what the state is
    defineWorker({ name: "w", worker: { start: (ctx) => ctx.use("db"), stop } });
    // @ts-expect-error no definition
    defineWorker({ name: "w", dependsOn: [5], worker: { start: () => {}, stop } });
  });

  it("make one list of workers, whatever their states", () => {
    createLifecycle({ name: "shop", workers: [db, clock] });
    const workers: readonly WorkerDefinition[] = [db, clock];
    createLifecycle({ name: "shop", workers });
    runtime.register(db);
    expectTypeOf(db).toExtend<WorkerDefinition>();
    // @ts-expect-error options are no definition
    createLifecycle({ name: "shop", workers: [{ name: "db", worker: { start: () => {}, stop } }] });
  });

  it("are exported with an annotation that says all", () => {
    const exported: WorkerDefinition<Pool> = defineWorker({
      name: "db",
      worker: { start: connect, stop },
    });
    expectTypeOf(exported).toEqualTypeOf<WorkerDefinition<Pool>>();
    // @ts-expect-error the state is another
    const other: WorkerDefinition<number> = defineWorker({
      name: "db",
      worker: { start: connect, stop },
    });
    void other;
  });
});

describe("a runtime", () => {
  it("types its operations and what they answer", () => {
    expectTypeOf(runtime.start("db", { dependencies: true })).toEqualTypeOf<Promise<void>>();
    expectTypeOf(runtime.shutdown({ timeoutMs: 5 })).toEqualTypeOf<Promise<ShutdownReport>>();
    expectTypeOf(runtime.status()).toEqualTypeOf<RuntimeStatus>();
    expectTypeOf(runtime.workers()).toEqualTypeOf<WorkerStatus[]>();
    expectTypeOf(runtime.worker("db")).toEqualTypeOf<WorkerStatus | undefined>();
    expectTypeOf(runUntilSignal(runtime)).toEqualTypeOf<Promise<ShutdownReport>>();
    expectTypeOf(runtime).toExtend<AsyncDisposable>();
    // @ts-expect-error shutdown is hurried by its signal, and has no dependants
    void runtime.shutdown({ dependants: true });
    // @ts-expect-error a stop has no dependencies to start
    void runtime.stop("db", { dependencies: true });
    // @ts-expect-error status is for reading
    runtime.status().ready = true;
  });

  it("types its events by their names", () => {
    runtime.events.on("worker:transition", (event) => {
      expectTypeOf(event).toEqualTypeOf<WorkerTransitionEvent>();
    });
    runtime.events.onAny((name, event) => {
      if (name === "worker:stall") expectTypeOf(event.silentMs).toEqualTypeOf<number>();
      // @ts-expect-error not every event has one
      event.silentMs;
    });
    expectTypeOf(runtime.events.once("runtime:readiness")).resolves.toHaveProperty("ready");
    // @ts-expect-error no event has this name
    runtime.events.on("worker:failed", () => {});
    // @ts-expect-error events are heard here, not emitted
    runtime.events.emit("worker:stall", {});
  });
});

describe("options", () => {
  it("take undefined wherever they may be left out", () => {
    type Undefined<T> = { readonly [Key in keyof T]: undefined };
    expectTypeOf<Undefined<WorkerPolicy>>().toExtend<WorkerPolicy>();
    expectTypeOf<Undefined<StopOptions>>().toExtend<StopOptions>();
    expectTypeOf<Undefined<ShutdownOptions>>().toExtend<ShutdownOptions>();
    expectTypeOf<
      Undefined<Omit<LifecycleOptions, "name">> & { readonly name: string }
    >().toExtend<LifecycleOptions>();
    type Optional = Omit<WorkerOptions<void>, "name" | "worker">;
    expectTypeOf<Undefined<Optional>>().toExtend<Optional>();
    defineWorker({
      name: "w",
      worker: { kind: undefined, start: () => {}, drain: undefined, stop },
    });
    defineWorker({
      name: "w",
      restart: { backoff: constant(5), maxRestarts: undefined, when: undefined },
      worker: { start: () => {}, stop },
    });
  });

  it("refuse what is mistyped, misspelt or missing", () => {
    const worker = { start: () => {}, stop };
    // @ts-expect-error a name is needed
    defineWorker({ worker });
    // @ts-expect-error a worker is needed
    defineWorker({ name: "w" });
    // @ts-expect-error a worker stops
    defineWorker({ name: "w", worker: { start: () => {} } });
    // @ts-expect-error a worker starts
    defineWorker({ name: "w", worker: { stop } });
    // @ts-expect-error drain is its name
    defineWorker({ name: "w", worker: { start: () => {}, onDrain: () => {}, stop } });
    // @ts-expect-error restart is its name
    defineWorker({ name: "w", restarts: {}, worker });
    // @ts-expect-error isolate is its name
    defineWorker({ name: "w", failurePolicy: "isolated", worker });
    // @ts-expect-error milliseconds are a number
    defineWorker({ name: "w", graceMs: "1s", worker });
    // @ts-expect-error a restart has a backoff
    defineWorker({ name: "w", restart: {}, worker });
    // @ts-expect-error a retry policy is no backoff
    defineWorker({ name: "w", restart: { backoff: never }, worker });
    // @ts-expect-error a backoff is no retry policy
    defineWorker({ name: "w", startRetry: constant(5), worker });
    // @ts-expect-error a runtime has a name
    createLifecycle({});
    // @ts-expect-error workers is its name
    createLifecycle({ name: "shop", worker: [] });
    // @ts-expect-error defaults are policies, and no names
    createLifecycle({ name: "shop", defaults: { name: "w" } });
    // @ts-expect-error no signal has this name
    void runUntilSignal(runtime, { signals: ["TERM"] });
  });
});
