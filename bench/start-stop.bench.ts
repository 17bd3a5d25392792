// Starting and stopping many workers, one by one, while nobody listens; beside the awaits that no start can do without,
// and beside what other libraries take for as many plugins or services.
import { createLifecycle, defineWorker } from "@workerkit/lifecycle";
import avvio from "avvio";
import { ServiceBroker } from "moleculer";
import { bytesKept } from "./harness/garbage.ts";
import { type Contender, measure } from "./harness/measure.ts";
import { heading, mustBeAtLeast, mustBeAtMost, printMeasurement, table } from "./harness/print.ts";
import { exactly } from "./harness/statistics.ts";

interface Hooks {
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

for (const count of [1_000, 10_000]) {
  const hooks = makeHooks(count);
  const contenders = [bareAwaits, lifecycleAgain, lifecycleFirst, avvioPlugins];
  const measurement = await measure(
    contenders.map((contender) => contender(hooks)),
    // Long enough for several collections of garbage, which else would fall on the start, or the stop, each time.
    { sampleMs: 100, rounds: 25 },
  );
  const many = count.toLocaleString("en");
  heading(`Start and stop of ${many}`);
  printMeasurement(measurement, "worker");
  for (const name of ["lifecycle, again", "lifecycle, first"]) {
    const start = measurement.ratio(name, "bare awaits", "start");
    const stop = measurement.ratio(name, "bare awaits", "stop");
    mustBeAtMost(`start of ${many} (${name}), times the bare awaits`, start, 15);
    mustBeAtMost(`stop of ${many} (${name}), times the bare awaits`, stop, 30);
  }
  if (count < 10_000) continue;
  const avvio = measurement.ratio("avvio", "lifecycle, first", "start");
  mustBeAtLeast(`start of ${many} plugins of avvio, times that of our workers`, avvio, 10);
}

// A start of Moleculer takes ten times as long as all the others, and its stop waits on purpose: few rounds, starts only.
{
  const hooks = makeHooks(10_000);
  const measurement = await measure(
    [bareAwaits, lifecycleFirst, moleculerServices].map((contender) => startOnly(contender(hooks))),
    { sampleMs: 20, rounds: 8, warmUpMs: 1_000 },
  );
  heading("Start of 10,000, beside Moleculer's services");
  printMeasurement(measurement, "worker");
}

await printMemory(10_000);

function makeHooks(count: number): Hooks[] {
  return Array.from({ length: count }, () => ({ start: async () => {}, stop: async () => {} }));
}

function runtimeOf(hooks: readonly Hooks[]) {
  const workers = hooks.map((worker, index) => defineWorker({ name: `worker-${index}`, worker }));
  return createLifecycle({ name: "bench", workers });
}

function bareAwaits(hooks: readonly Hooks[]): Contender {
  const start = async () => {
    for (const hook of hooks) await hook.start();
  };
  const stop = async () => {
    for (const hook of hooks) await hook.stop();
  };
  return { name: "bare awaits", operations: hooks.length, steps: { start, stop } };
}

/** One runtime, whose workers are started again and again. */
function lifecycleAgain(hooks: readonly Hooks[]): Contender {
  const runtime = runtimeOf(hooks);
  return {
    name: "lifecycle, again",
    operations: hooks.length,
    steps: { start: () => runtime.startAll(), stop: () => runtime.stopAll() },
  };
}

/** A runtime for each call, as a service that boots has one; registered beforehand. */
function lifecycleFirst(hooks: readonly Hooks[]): Contender {
  let runtime = runtimeOf([]);
  return {
    name: "lifecycle, first",
    operations: hooks.length,
    prepare: () => {
      runtime = runtimeOf(hooks);
    },
    steps: { start: () => runtime.startAll(), stop: () => runtime.stopAll() },
  };
}

function avvioPlugins(hooks: readonly Hooks[]): Contender {
  let app = avvio({}, { autostart: false });
  return {
    name: "avvio",
    operations: hooks.length,
    prepare: () => {
      app = avvio({}, { autostart: false, timeout: 0 });
      for (const hook of hooks) {
        app.use(async () => {
          app.onClose(hook.stop);
          await hook.start();
        });
      }
    },
    steps: {
      start: () =>
        new Promise<void>((resolve) => {
          app.once("start", resolve);
          app.start();
        }),
      stop: () => new Promise<void>((resolve) => app.close(() => resolve())),
    },
  };
}

function moleculerServices(hooks: readonly Hooks[]): Contender {
  let broker = new ServiceBroker({ logger: false });
  return {
    name: "Moleculer",
    operations: hooks.length,
    prepare: () => {
      broker = new ServiceBroker({ logger: false });
      for (const [index, { start, stop }] of hooks.entries()) {
        broker.createService({ name: `service-${index}`, started: start, stopped: stop });
      }
    },
    steps: { start: () => broker.start() },
    tidy: () => broker.stop(),
  };
}

function startOnly({ steps, tidy, ...contender }: Contender): Contender {
  const { start, stop } = steps;
  if (start === undefined) throw new Error(`${contender.name} starts nothing`);
  return { ...contender, steps: { start }, tidy: tidy ?? (() => stop?.()) };
}

async function printMemory(count: number): Promise<void> {
  const hooks = makeHooks(count);
  const registered = await bytesKept(() => runtimeOf(hooks));
  const running = await bytesKept(() => registered.kept.startAll());
  const stopped = await bytesKept(() => registered.kept.stopAll());
  const perWorker = {
    registered: registered.bytes / count,
    running: (registered.bytes + running.bytes) / count,
    stopped: (registered.bytes + running.bytes + stopped.bytes) / count,
  };
  heading("Memory");
  table(
    ["bytes per worker, with its definition", "bytes"],
    Object.entries(perWorker).map(([state, bytes]) => [state, bytes.toFixed(0)]),
  );
  mustBeAtMost("bytes per registered worker", exactly(perWorker.registered), 3_000, "B");
}
