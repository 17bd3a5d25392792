// L12: what the runtime calls runs in the async context of the runtime's creation, not in that of whoever asked.

import { AsyncLocalStorage } from "node:async_hooks";
import { createFakeClock } from "@workerkit/contracts/fake-clock";
import { createLifecycle, defineWorker, loop } from "@workerkit/lifecycle";
import { attempts, constant, none } from "@workerkit/retry";
import { expect, it } from "vitest";
import { type Hook, rig } from "./rig.ts";

const request = new AsyncLocalStorage<string>();

/** Notes where a hook, and what follows it, runs. */
function noting(seen: string[], name: string, then: () => unknown = () => {}): Hook {
  return async () => {
    seen.push(`${name}: ${request.getStore()}`);
    await undefined;
    seen.push(`${name}, later: ${request.getStore()}`);
    return then();
  };
}

it("L12 runs hooks, retries and restarts in the context of the runtime's creation", async () => {
  const seen: string[] = [];
  let starts = 0;
  const { runtime, clock, context, end } = request.run("creation", () =>
    rig({
      start: noting(seen, "start", () => {
        starts += 1;
        if (starts === 1) throw new Error("no");
      }),
      drain: noting(seen, "drain"),
      stop: noting(seen, "stop"),
      startRetry: attempts(2, constant(10), none),
      restart: { backoff: constant(20) },
    }),
  );
  await request.run("a request", async () => {
    const start = runtime.start("w");
    await clock.advance(10);
    await start;
    context().reportFailure(new Error("down"));
    await clock.advance(20);
    await runtime.drain("w");
    await runtime.stop("w");
  });
  const calls = ["start", "start", "stop", "start", "drain", "stop"];
  expect(seen).toEqual(calls.flatMap((name) => [`${name}: creation`, `${name}, later: creation`]));
  await end();
});

it("L12 runs a loop in the context of the runtime's creation", async () => {
  const seen: unknown[] = [];
  const clock = createFakeClock();
  const definition = defineWorker({
    name: "w",
    worker: loop({
      onStart: () => void seen.push(request.getStore()),
      run: async (ctx) => {
        seen.push(request.getStore());
        await ctx.sleep(10);
        seen.push(request.getStore());
        await ctx.sleep(Number.POSITIVE_INFINITY);
      },
      onStop: () => void seen.push(request.getStore()),
    }),
  });
  const runtime = request.run("creation", () =>
    createLifecycle({ name: "rt", clock, workers: [definition] }),
  );
  await request.run("a request", async () => {
    await runtime.start("w");
    await clock.advance(10);
    await runtime.stop("w");
  });
  expect(seen).toEqual(["creation", "creation", "creation", "creation"]);
  await clock.settle(runtime.shutdown());
});

it("L12 runs them outside of any context when the runtime was created outside", async () => {
  const seen: string[] = [];
  const { runtime, end } = rig({ start: noting(seen, "start"), stop: noting(seen, "stop") });
  await request.run("a request", async () => {
    await runtime.start("w");
    await runtime.stop("w");
  });
  expect(new Set(seen.map((line) => line.split(": ")[1]))).toEqual(new Set(["undefined"]));
  await end();
});
