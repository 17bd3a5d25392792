// What a probe or an operator's page pays for status(): the same for any number of workers, ready or not.
import { createLifecycle, defineWorker } from "@workerkit/lifecycle";
import { type Contender, measure } from "./harness/measure.ts";
import { heading, mustBeAtMost, printMeasurement } from "./harness/print.ts";

const measurement = await measure(
  await Promise.all([
    statusOf("10 ready", 10, true),
    statusOf("10,000 ready", 10_000, true),
    statusOf("10 not ready", 10, false),
    statusOf("10,000 not ready", 10_000, false),
  ]),
);
heading("status()");
printMeasurement(measurement, "call");
const ready = measurement.ratio("10,000 ready", "10 ready", "call");
mustBeAtMost("status() of 10,000 ready workers, times that of 10", ready, 1.5);
const notReady = measurement.ratio("10,000 not ready", "10 not ready", "call");
mustBeAtMost("status() of 10,000 workers none of which is ready, times that of 10", notReady, 1.5);

async function statusOf(name: string, count: number, readyOnStart: boolean): Promise<Contender> {
  const worker = { start: async () => {}, stop: async () => {} };
  const workers = Array.from({ length: count }, (_, index) =>
    defineWorker({ name: `worker-${index}`, worker, readyOnStart }),
  );
  const runtime = createLifecycle({ name: "bench", workers });
  await runtime.startAll();
  if (runtime.status().ready !== readyOnStart) throw new Error(`expected ready: ${readyOnStart}`);
  const operations = 1_000;
  return {
    name,
    operations,
    steps: {
      call: () => {
        for (let call = 0; call < operations; call++) runtime.status();
      },
    },
  };
}
