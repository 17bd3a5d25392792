// A worker as it might stand in your service: it sends what is in the outbox every 30 s, and is restarted when that fails.

import { defineWorker, poll } from "@workerkit/lifecycle";
import { exponential } from "@workerkit/retry";

export interface Outbox {
  readonly sendAll: (signal: AbortSignal) => Promise<number>;
}

export const mailer = (outbox: Outbox) =>
  defineWorker({
    name: "mailer",
    worker: poll(({ lease }) => outbox.sendAll(lease.signal), { everyMs: 30_000, jitter: 0 }),
    restart: { backoff: exponential(1_000, 2, 60_000) },
  });
