// Holds the tables of docs/lifecycle.md, and the tables of defaults in the README, against the code.
import { readFileSync } from "node:fs";
import type { WorkerkitEvents } from "@workerkit/contracts";
import { systemClock } from "@workerkit/contracts";
import { createFakeClock, type FakeClock } from "@workerkit/contracts/fake-clock";
import {
  CHECK_DEFAULTS,
  createLifecycle,
  defineWorker,
  type FailurePolicy,
  LIFECYCLE_DEFAULTS,
  type Lifecycle,
  OPERATIONS,
  POLICY_DEFAULTS,
  POLL_DEFAULTS,
  RESTART_DEFAULTS,
  RUN_DEFAULTS,
  SHUTDOWN_TIMEOUT_MS,
  STREAM_DEFAULTS,
  TRANSITIONS,
  type WorkerContext,
} from "@workerkit/lifecycle";
import { extend, type WorkerPort } from "@workerkit/lifecycle/extension";
import { describe, expect, it } from "vitest";
import { inTable, tableUnder } from "./markdown-tables.ts";

const reference = readFileSync(new URL("../../../docs/lifecycle.md", import.meta.url), "utf8");
const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

const never = () => new Promise<never>(() => {});

describe("the reference", () => {
  it("L1 lists the states and their transitions", () => {
    const states = tableUnder(reference, "States").map(([state]) => state);
    expect(states).toEqual(Object.keys(TRANSITIONS));
    const transitions = Object.entries(TRANSITIONS).map(([from, to]) => [from, to.join(", ")]);
    expect(tableUnder(reference, "Transitions")).toEqual(transitions);
  });

  it("L2 says what each operation does in each state", () => {
    const rows = Object.keys(OPERATIONS.start).map((state) => {
      const operations = [OPERATIONS.start, OPERATIONS.drain, OPERATIONS.stop];
      return [state, ...operations.map((verdicts) => verdicts[state as keyof typeof verdicts])];
    });
    expect(tableUnder(reference, "Operations")).toEqual(rows);
  });

  it("L10 says what each method of a context answers in each state", async () => {
    const told = tableUnder(reference, "Context");
    const found = [];
    for (const method of Object.keys(CALLS)) {
      const answers = [];
      for (const state of SITUATIONS) answers.push(await answerIn(state, method));
      found.push([method, ...answers]);
    }
    expect(told).toEqual(found);
  });

  it("R2 says what a failed worker means for its runtime", async () => {
    const rows = [];
    for (const failurePolicy of ["isolate", "mark-runtime-unready", "fail-runtime"] as const) {
      for (const contributesToReadiness of [true, false]) {
        rows.push(await withOneFailed(failurePolicy, contributesToReadiness));
      }
    }
    expect(tableUnder(reference, "Runtime", 1)).toEqual(rows);
  });

  it("N6 lists the defaults", () => {
    const names = new Map<unknown, string>([
      [POLICY_DEFAULTS, "POLICY_DEFAULTS"],
      [systemClock, "systemClock"],
      [Math.random, "Math.random"],
    ]);
    const rowsOf = (defaults: object) =>
      Object.entries(defaults).map(([key, value]) => [key, names.get(value) ?? inTable(value)]);
    const all = [
      POLICY_DEFAULTS,
      RESTART_DEFAULTS,
      LIFECYCLE_DEFAULTS,
      { timeoutMs: SHUTDOWN_TIMEOUT_MS },
      RUN_DEFAULTS,
      POLL_DEFAULTS,
      STREAM_DEFAULTS,
      CHECK_DEFAULTS,
    ];
    all.forEach((defaults, place) => {
      expect(tableUnder(reference, "Defaults", place)).toEqual(rowsOf(defaults));
    });
  });

  it("lists every event with its fields", () => {
    const rows = tableUnder(reference, "Events").map(([name, fields]) => [name, fields]);
    const events = Object.entries(EVENT_FIELDS).map(([name, fields]) => [
      name,
      Object.entries(fields)
        .map(([field, mark]) => `${field}${mark}`)
        .join(", "),
    ]);
    expect(rows).toEqual(events);
  });

  it("R4 lists the fields of a status", async () => {
    const { runtime, port } = await withEverythingInItsStatus();
    const worker = runtime.worker(port.name) ?? {};
    expect(tableUnder(reference, "Status").map(([field]) => field)).toEqual(Object.keys(worker));
    const fields = tableUnder(reference, "Status", 2).map(([field]) => field);
    expect(fields).toEqual(Object.keys(runtime.status()));
  });
});

describe("the README", () => {
  it("N6 lists the defaults", () => {
    const [runtime, policy, restart, run] = [0, 1, 2, 3].map(
      (place) => new Map(tableUnder(readme, "Options", place).map(([key, value]) => [key, value])),
    );
    for (const [key, value] of Object.entries(POLICY_DEFAULTS)) {
      expect([key, policy?.get(key)]).toEqual([key, inTable(value)]);
    }
    expect(policy?.size).toBe(Object.keys(POLICY_DEFAULTS).length);
    for (const [key, value] of Object.entries(RESTART_DEFAULTS)) {
      expect([key, restart?.get(key === "when" ? "when(failure)" : key)]).toEqual([
        key,
        inTable(value),
      ]);
    }
    for (const [key, value] of Object.entries(RUN_DEFAULTS)) {
      expect([key, run?.get(key)]).toEqual([key, inTable(value)]);
    }
    expect([...(runtime?.keys() ?? [])].sort()).toEqual(
      ["name", "instanceId", ...Object.keys(LIFECYCLE_DEFAULTS)].sort(),
    );
  });
});

const SITUATIONS = ["starting", "running", "draining", "stopping", "ended"] as const;

/** One call of each method, and what came of it in the words of the table. */
const CALLS: Readonly<Record<string, (ctx: WorkerContext<unknown>) => unknown>> = {
  "setReady(true)": (ctx) => ctx.setReady(true),
  "setReady(false)": (ctx) => ctx.setReady(false),
  "setAcceptingWork(true)": (ctx) => ctx.setAcceptingWork(true),
  "setAcceptingWork(false)": (ctx) => ctx.setAcceptingWork(false),
  "reportFailure(error)": (ctx) => ctx.reportFailure(new Error("reported")),
  "admit(label, options)": (ctx) => (ctx.admit("a job") === undefined ? undefined : "a lease"),
  "heartbeat()": (ctx) => ctx.heartbeat(),
  "setBusy(busy)": (ctx) => ctx.setBusy(false),
  "note(fields)": (ctx) => ctx.note({ noted: true }),
  "emit(name, event)": (ctx) => ctx.emit("check:end", { outcome: "pass", durationMs: 0 }),
  "requestStop(reason)": (ctx) => ctx.requestStop("asked"),
  "requestShutdown(reason)": (ctx) => ctx.requestShutdown("asked"),
  "sleep(ms)": (ctx) =>
    ctx.sleep(10).then(
      () => "resolves",
      () => "rejects",
    ),
  "use(dependency)": (ctx) => ctx.use(dependency),
  "status()": (ctx) => (ctx.status().localName === "w" ? "the status" : "another"),
};

const dependency = defineWorker({
  name: "dependency",
  worker: { start: () => "its state", stop: () => {} },
});

async function answerIn(situation: (typeof SITUATIONS)[number], method: string): Promise<string> {
  const { clock, context } = await bring(situation);
  const answer = CALLS[method]?.(context);
  return String(answer instanceof Promise ? await clock.settle(answer) : answer);
}

/** A worker in one situation, with hooks that hold it there. */
async function bring(situation: (typeof SITUATIONS)[number]) {
  const clock: FakeClock = createFakeClock();
  let context: WorkerContext<unknown> | undefined;
  const worker = defineWorker({
    name: "w",
    dependsOn: [dependency],
    worker: {
      start: (ctx): unknown => {
        context = ctx;
        return situation === "starting" ? never() : undefined;
      },
      drain: () => (situation === "draining" ? never() : undefined),
      stop: () => (situation === "stopping" ? never() : undefined),
    },
  });
  const runtime = createLifecycle({ name: "rt", clock, workers: [dependency, worker] });
  runtime.events.on("worker:failure", () => {});
  await runtime.start(dependency);
  const started = runtime.start(worker).catch(() => {});
  if (situation !== "starting") await started;
  if (situation === "draining") void runtime.drain(worker).catch(() => {});
  if (situation === "stopping") void runtime.stop(worker).catch(() => {});
  if (situation === "ended") context?.reportFailure(new Error("over"));
  await clock.flush();
  expect(runtime.worker(worker)?.state).toBe(situation === "ended" ? "failed" : situation);
  if (context === undefined) throw new Error("the start hook was not called");
  return { clock, context };
}

async function withOneFailed(failurePolicy: FailurePolicy, contributesToReadiness: boolean) {
  const contexts: WorkerContext<void>[] = [];
  const failing = defineWorker({
    name: "failing",
    ...{ failurePolicy, contributesToReadiness },
    worker: { start: (ctx) => void contexts.push(ctx), stop: () => {} },
  });
  const neighbour = defineWorker({ name: "neighbour", worker: { start() {}, stop() {} } });
  const { runtime, ports } = withPorts();
  runtime.events.on("worker:failure", () => {});
  runtime.register(failing);
  runtime.register(neighbour);
  await runtime.startAll();
  contexts[0]?.reportFailure(new Error("failed"));
  expect(runtime.worker(neighbour)?.state).toBe("running");
  const { state, ready } = runtime.status();
  const work = ports.get("neighbour")?.refusal() === undefined ? "taken" : "refused";
  return [failurePolicy, String(contributesToReadiness), state, ready ? "yes" : "no", work];
}

async function withEverythingInItsStatus() {
  const { runtime, ports } = withPorts();
  runtime.events.on("worker:failure", () => {});
  const worker = { start: () => {}, stop: () => {} };
  runtime.register(
    defineWorker({ name: "w", description: "has it all", failurePolicy: "fail-runtime", worker }),
  );
  await runtime.start("w");
  const port = ports.get("w");
  if (port === undefined) throw new Error("no port was opened");
  port.note(1, { command: "go", code: "COMMAND_FAILED", message: "it failed", at: 0 });
  port.fail(1, new Error("failed"));
  return { runtime, port };
}

function withPorts(): { runtime: Lifecycle; ports: Map<string, WorkerPort> } {
  const runtime = createLifecycle({ name: "rt", version: "1.0.0", clock: createFakeClock() });
  const ports = extend(runtime, {
    name: "ports",
    workerOptions: {},
    runtimeOptions: {},
    attach: () => new Map<string, WorkerPort>(),
    onRegister: (port) => void ports.set(port.name, port),
  });
  return { runtime, ports };
}

/** The fields of an event beside those that all of its kind carry; `?` marks one that may be absent. */
type FieldsOf<Event> = {
  [Field in Exclude<keyof Event, Carried>]-?: object extends Pick<Event, Field> ? "?" : "";
};

type Carried = "runtime" | "at" | "worker" | "generation" | "command" | "dispatchId";

/** The compiler holds this against the contract: a field too many, too few, or marked wrongly is an error. */
const EVENT_FIELDS: { [Name in keyof WorkerkitEvents]: FieldsOf<WorkerkitEvents[Name]> } = {
  "worker:registered": { kind: "", state: "" },
  "worker:unregistered": { kind: "", state: "" },
  "worker:transition": { from: "", to: "", reason: "" },
  "worker:readiness": { ready: "" },
  "worker:admission": { acceptingWork: "" },
  "worker:failure": {
    phase: "",
    attempt: "",
    final: "",
    panic: "",
    code: "",
    message: "",
    error: "",
  },
  "worker:restart": { attempt: "", delayMs: "", code: "", message: "", error: "" },
  "worker:stall": { silentMs: "" },
  "worker:abandoned": { phase: "", label: "", ageMs: "" },
  "runtime:transition": { from: "", to: "", reason: "", failedBecause: "?" },
  "runtime:readiness": { ready: "" },
  "runtime:waiting": { phase: "", leftMs: "?", held: "" },
  "command:start": { queuedMs: "", child: "" },
  "command:attempt-failed": {
    attempt: "",
    willRetry: "",
    delayMs: "",
    panic: "",
    code: "",
    message: "",
    error: "",
  },
  "command:end": {
    outcome: "",
    attempts: "",
    durationMs: "",
    queuedMs: "",
    code: "?",
    message: "?",
    error: "?",
  },
  "command:rejected": { code: "", queuedMs: "" },
  "check:end": { outcome: "", durationMs: "", message: "?" },
};
