// N5, D1, D2, D5: who depends on whom, and what that allows.

import { createFakeClock } from "@workerkit/contracts/fake-clock";
import { createLifecycle, defineWorker, type WorkerDefinition } from "@workerkit/lifecycle";
import { describe, expect, it } from "vitest";
import { gate } from "./gate.ts";
import { watch } from "./outcome.ts";

function runtimeOf(
  graph: Readonly<Record<string, readonly string[]>>,
  hooks: {
    readonly start?: (name: string) => unknown;
    readonly stop?: (name: string) => unknown;
  } = {},
) {
  const clock = createFakeClock();
  const log: string[] = [];
  const workers: WorkerDefinition[] = Object.entries(graph).map(([name, dependsOn]) =>
    defineWorker<unknown>({
      name,
      dependsOn,
      worker: {
        start: () => {
          log.push(`start ${name}`);
          return hooks.start?.(name);
        },
        stop: () => {
          log.push(`stop ${name}`);
          return hooks.stop?.(name);
        },
      },
    }),
  );
  const runtime = createLifecycle({ name: "rt", clock, workers });
  runtime.events.on("worker:failure", () => {}); // nobody listening would be a warning
  const states = () => runtime.workers().map(({ localName, state }) => `${localName} ${state}`);
  return { clock, log, runtime, states };
}

describe("the graph", () => {
  it("N5 may be registered in any order", async () => {
    const { runtime, log } = runtimeOf({ web: ["api"], api: ["db"], db: [] });
    await runtime.startAll();
    expect(log).toEqual(["start db", "start api", "start web"]);
    await runtime.shutdown();
    expect(log.slice(3)).toEqual(["stop web", "stop api", "stop db"]);
  });

  it("N5 refuses an unknown name at the first start", async () => {
    const { runtime, states } = runtimeOf({ api: ["db", "cache"], db: [] });
    await expect(runtime.start("api")).rejects.toMatchObject({
      code: "INVALID_OPTION",
      message: expect.stringContaining("workers.api.dependsOn[1]"),
    });
    expect(states()).toEqual(["api registered", "db registered"]);
  });

  it("N5 spells out a cycle", async () => {
    const { runtime } = runtimeOf({ a: ["b"], b: ["c"], c: ["a"] });
    await expect(runtime.start("a")).rejects.toMatchObject({
      code: "INVALID_OPTION",
      message: expect.stringContaining("a -> b -> c -> a"),
    });
    const alone = runtimeOf({ a: ["a"] });
    await expect(alone.runtime.startAll()).rejects.toMatchObject({
      message: expect.stringContaining("a -> a"),
    });
  });

  it("N5 refuses another worker of the name that a definition has", async () => {
    const make = () => defineWorker({ name: "db", worker: { start: () => {}, stop: () => {} } });
    const api = defineWorker({
      name: "api",
      dependsOn: [make()],
      worker: { start: () => {}, stop: () => {} },
    });
    const runtime = createLifecycle({ name: "rt", workers: [make(), api] });
    await expect(runtime.start("api")).rejects.toMatchObject({ code: "INVALID_OPTION" });
  });

  it("N5 may be as deep as the registry", async () => {
    const depth = 5_000;
    const graph: Record<string, readonly string[]> = {};
    for (let index = 0; index < depth; index += 1) {
      graph[`w${index}`] = index === depth - 1 ? [] : [`w${index + 1}`];
    }
    const { runtime } = runtimeOf(graph);
    await expect(runtime.start("w0")).rejects.toMatchObject({ code: "INVALID_WORKER_STATE" });
  });
});

describe("start", () => {
  it("D1 is refused while a dependency does not run, and lists all that do not", async () => {
    const { runtime, states, log } = runtimeOf({
      db: [],
      cache: [],
      mail: [],
      api: ["db", "cache", "mail"],
    });
    await runtime.start("cache");
    await expect(runtime.start("api")).rejects.toMatchObject({
      code: "INVALID_WORKER_STATE",
      message:
        "worker rt/api cannot start: it depends on workers that do not run: db is registered, mail is registered",
    });
    expect(states().at(-1)).toBe("api registered");
    expect(log).toEqual(["start cache"]);
    await runtime.shutdown();
  });

  it("D1 starts dependencies first when asked to", async () => {
    const { runtime, log } = runtimeOf({ other: [], web: ["api"], api: ["db"], db: [] });
    await runtime.start("web", { dependencies: true });
    expect(log).toEqual(["start db", "start api", "start web"]);
    await runtime.shutdown();
  });
});

describe("drain and stop", () => {
  it.each(["drain", "stop"] as const)(
    "D2 refuse to %s a worker that others rely on, listing them",
    async (operation) => {
      const { runtime, states } = runtimeOf({ db: [], api: ["db"], web: ["api"], idle: ["db"] });
      await runtime.start("web", { dependencies: true });
      const before = states();
      await expect(runtime[operation]("db")).rejects.toMatchObject({
        code: "INVALID_WORKER_STATE",
        message: `worker rt/db cannot ${operation}: workers depend on it: api is running, web is running`,
      });
      expect(states()).toEqual(before);
      await runtime.shutdown();
    },
  );

  it("D2 do dependants first when asked to, and go on after failures", async () => {
    const { runtime, log, states } = runtimeOf(
      { db: [], api: ["db"], web: ["api"] },
      { stop: (name) => name === "web" && Promise.reject(new Error("stuck")) },
    );
    await runtime.startAll();
    await expect(runtime.stop("db", { dependants: true })).rejects.toThrow("stuck");
    expect(log.slice(3)).toEqual(["stop web", "stop api", "stop db"]);
    expect(states()).toEqual(["db stopped", "api stopped", "web failed"]);
    await runtime.shutdown().catch(() => {});
  });

  it("D2 always stop a failed worker", async () => {
    const failing = { db: true };
    const { runtime, states } = runtimeOf(
      { db: [], api: ["db"] },
      { stop: (name) => name === "db" && failing.db && Promise.reject(new Error("stuck")) },
    );
    await runtime.startAll();
    await expect(runtime.stop("db", { dependants: true })).rejects.toThrow("stuck");
    failing.db = false;
    await runtime.stop("db");
    expect(states()).toEqual(["db stopped", "api stopped"]);
    await runtime.shutdown();
  });
});

describe("the order of starts and stops", () => {
  it("D5 holds while hooks take their time: none starts before, none stops after what it depends on", async () => {
    const gates = new Map<string, ReturnType<typeof gate>>();
    const wait = (name: string) => {
      const opened = gate();
      gates.set(name, opened);
      return opened.promise;
    };
    const open = async (name: string, clock: { flush(): Promise<void> }) => {
      gates.get(name)?.open(undefined);
      await clock.flush();
    };
    const { runtime, clock, states } = runtimeOf(
      { db: [], cache: [], api: ["db", "cache"] },
      { start: wait, stop: wait },
    );
    const start = watch(runtime.startAll({ concurrency: 9 }));
    await clock.flush();
    await open("db", clock);
    expect(states()).toEqual(["db running", "cache starting", "api registered"]);
    await open("cache", clock);
    await open("api", clock);
    expect(start.now()).toBe("done");
    const stop = watch(runtime.stopAll());
    await clock.flush();
    expect(states()).toEqual(["db running", "cache running", "api stopping"]);
    await open("api", clock);
    await open("db", clock);
    await open("cache", clock);
    expect(stop.now()).toBe("done");
    await runtime.shutdown();
  });
});
