// The same three tests as in node-test.mjs, in vitest.

import { checkWorker, createTestRuntime, expectEvents, expectWorker } from "@workerkit/testing";
import { describe, expect, it } from "vitest";
import { mailer } from "./mailer.ts";

describe("the mailer", () => {
  it("sends every 30 s for an hour", async () => {
    let sent = 0;
    const { runtime, settle, advance, end } = createTestRuntime({
      workers: [mailer({ sendAll: async () => sent++ })],
    });
    await settle(() => runtime.startAll());
    await advance(3_600_000);
    expect(sent).toBe(121);
    await end();
  });

  it("is restarted after a failure, later each time", async () => {
    const { runtime, record, settle, advance, end } = createTestRuntime({
      workers: [mailer({ sendAll: () => Promise.reject(new Error("no connection")) })],
    });
    await settle(() => runtime.startAll());
    await advance(10_000);
    expectEvents(record, [
      { name: "worker:restart", worker: "mailer", attempt: 1, delayMs: 1_000 },
      { name: "worker:restart", worker: "mailer", attempt: 2, delayMs: 2_000 },
      { name: "worker:restart", worker: "mailer", attempt: 3, delayMs: 4_000 },
    ]);
    expectWorker(runtime, "mailer", { state: "restarting", restarts: 3 });
    await end();
  });

  it("holds in every storm", async () => {
    await checkWorker(() => mailer({ sendAll: async () => 1 }), { runs: 30 });
  });
});
