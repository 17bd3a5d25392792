// The same three tests as in mailer.test.ts, in Node's own runner, in JavaScript: node --test

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { defineWorker, poll } from "@workerkit/lifecycle";
import { exponential } from "@workerkit/retry";
import { checkWorker, createTestRuntime, expectEvents, expectWorker } from "@workerkit/testing";

const mailer = (outbox) =>
  defineWorker({
    name: "mailer",
    worker: poll(({ lease }) => outbox.sendAll(lease.signal), { everyMs: 30_000, jitter: 0 }),
    restart: { backoff: exponential(1_000, 2, 60_000) },
  });

describe("the mailer", () => {
  it("sends every 30 s for an hour", async () => {
    let sent = 0;
    const { runtime, settle, advance, end } = createTestRuntime({
      workers: [mailer({ sendAll: async () => sent++ })],
    });
    await settle(() => runtime.startAll());
    await advance(3_600_000);
    assert.equal(sent, 121);
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
