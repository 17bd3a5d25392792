import { isWorkerkitError } from "@workerkit/contracts";
import { createFakeClock } from "@workerkit/contracts/fake-clock";
import {
  createLifecycle,
  defineWorker,
  type Lifecycle,
  loop,
  runUntilSignal,
} from "@workerkit/lifecycle";
import { extend } from "@workerkit/lifecycle/extension";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  A_RUNTIME,
  type Case,
  DEFINITIONS,
  DURATION,
  FLAG,
  FUNCTION,
  LIMIT,
  NAME,
  PLAIN,
  POLICY,
  RECORD,
  REFERENCE,
  REGISTRATIONS,
  RUNTIMES,
  SIGNAL,
  UNKNOWN,
} from "./bad-options.ts";
import { wrong } from "./hostile.ts";
import { units } from "./units.ts";

const clock = createFakeClock({ now: 0 });
const events: unknown[] = [];
let runtime: Lifecycle;

const worker = { start: () => {}, stop: () => {} };
const db = defineWorker({ name: "db", worker });
const otherDb = defineWorker({ name: "db", worker });

const fresh = () => createLifecycle({ name: "fresh", clock });

/** What must be as before. */
const seen = () => ({ status: runtime.status(), workers: runtime.workers(), events: [...events] });

beforeAll(async () => {
  runtime = createLifecycle({ name: "shop", instanceId: "test", clock });
  extend(runtime, units, {});
  const define = (name: string, ...dependsOn: string[]) =>
    runtime.register(defineWorker({ name, dependsOn, worker }));
  runtime.register(db);
  define("idle");
  define("orphan", "nobody");
  define("farm", "egg");
  define("egg", "chicken");
  define("chicken", "egg");
  define("own-tail", "own-tail");
  runtime.register(defineWorker({ name: "reader", dependsOn: [otherDb], worker }));
  await runtime.start("db");
  runtime.events.onAny((...event) => events.push(event));
  await clock.flush();
});

// That each of them changed nothing shows once more in the end: it all still works.
afterAll(async () => {
  expect(await clock.settle(runtime.shutdown())).toMatchObject({ workers: [{ worker: "db" }] });
  expect(clock.pending()).toEqual([]);
});

/** Makes a call that must be refused: returns the error, after nothing has changed. */
async function refusal(call: () => unknown): Promise<unknown> {
  const before = seen();
  let error: unknown;
  try {
    const result = call();
    expect(result, "neither thrown nor a promise").toBeInstanceOf(Promise);
    await result;
  } catch (thrown) {
    error = thrown;
  }
  await clock.flush();
  expect(seen()).toEqual(before);
  return error;
}

/** Expects an INVALID_OPTION that names the path, the value and what was expected, in its message too. */
function expectInvalid(error: unknown, [, path, value, expected]: Case, below = ""): void {
  if (!isWorkerkitError(error, "INVALID_OPTION")) throw error ?? new Error("not refused");
  const full = below + path;
  expect(error.details).toEqual({ path: full, value, expected });
  const shown = value === UNKNOWN ? "no option" : value;
  expect(error.message).toBe(`${full} is ${shown}: expected ${expected}`);
}

function expectCode(error: unknown, code: string, ...texts: readonly string[]): void {
  if (!isWorkerkitError(error)) throw error ?? new Error("not refused");
  expect(error.code).toBe(code);
  for (const text of texts) expect(error.message).toContain(text);
}

const titled = (cases: readonly Case[]) =>
  cases.map((row) => [`${row[1]} is ${row[2]}`, row] as const);

/** Options of each operation, where the path is the same. */
const CALLS: readonly (readonly [
  method: string,
  call: (options: unknown) => unknown,
  keys: string,
])[] = [
  ["start", (options) => runtime.start("idle", wrong(options)), "dependencies, signal"],
  ["drain", (options) => runtime.drain("db", wrong(options)), "dependants, signal"],
  ["stop", (options) => runtime.stop("db", wrong(options)), "dependants, signal"],
  ["startAll", (options) => runtime.startAll(wrong(options)), "concurrency, rollback, signal"],
  ["drainAll", (options) => runtime.drainAll(wrong(options)), "signal"],
  ["stopAll", (options) => runtime.stopAll(wrong(options)), "signal"],
  ["shutdown", (options) => runtime.shutdown(wrong(options)), "signal, timeoutMs"],
  ["waitIdle", (options) => runtime.waitIdle("db", wrong(options)), "signal"],
  ["waitAllIdle", (options) => runtime.waitAllIdle(wrong(options)), "signal"],
  ["whenReady", (options) => runtime.whenReady(wrong(options)), "signal"],
  ["flush", (options) => runtime.flush(wrong(options)), "timeoutMs"],
];

const CALL_OPTIONS: readonly Case[] = [
  [null, "options", "null", RECORD],
  [5_000, "options", "5000", RECORD],
  [AbortSignal.abort(), "options", "an object", PLAIN],
  [{ signal: null }, "options.signal", "null", SIGNAL],
  [{ signal: new AbortController() }, "options.signal", "an object", SIGNAL],
];

const OWN_CALL_OPTIONS: readonly (readonly [(given: unknown) => unknown, ...Case])[] = [
  [
    (o) => runtime.start("idle", wrong(o)),
    { dependencies: "yes" },
    "options.dependencies",
    '"yes"',
    FLAG,
  ],
  [(o) => runtime.drain("db", wrong(o)), { dependants: 1 }, "options.dependants", "1", FLAG],
  [(o) => runtime.stop("db", wrong(o)), { dependants: null }, "options.dependants", "null", FLAG],
  [(o) => runtime.startAll(wrong(o)), { concurrency: 0 }, "options.concurrency", "0", LIMIT],
  [(o) => runtime.startAll(wrong(o)), { concurrency: 1.5 }, "options.concurrency", "1.5", LIMIT],
  [(o) => runtime.startAll(wrong(o)), { rollback: "no" }, "options.rollback", '"no"', FLAG],
  [(o) => runtime.shutdown(wrong(o)), { timeoutMs: -1 }, "options.timeoutMs", "-1", DURATION],
  [
    (o) => runtime.shutdown(wrong(o)),
    { timeoutMs: Number.NaN },
    "options.timeoutMs",
    "NaN",
    DURATION,
  ],
  [(o) => runtime.flush(wrong(o)), { timeoutMs: "1s" }, "options.timeoutMs", '"1s"', DURATION],
  [(o) => runtime.start(wrong(o)), undefined, "worker", "undefined", REFERENCE],
  [(o) => runtime.stop(wrong(o)), null, "worker", "null", REFERENCE],
  [(o) => runtime.worker(wrong(o)), 5, "worker", "5", REFERENCE],
  [(o) => runtime.unregister(wrong(o)), { name: "db" }, "worker", "an object", REFERENCE],
  [(o) => runtime.onShutdown(wrong(o)), undefined, "listener", "undefined", FUNCTION],
  [(o) => runtime.events.on("worker:stall", wrong(o)), {}, "listener", "an object", FUNCTION],
  [(o) => runtime.events.onAny(wrong(o)), null, "listener", "null", FUNCTION],
  [
    (o) => runtime.events.onAny(() => {}, wrong(o)),
    { when: true },
    "options.when",
    "true",
    FUNCTION,
  ],
  [
    (o) => runtime.events.on("worker:stall", () => {}, wrong(o)),
    { if: 1 },
    "options.if",
    UNKNOWN,
    "one of when",
  ],
  [
    (o) => runtime.events.once("worker:stall", wrong(o)),
    { signal: 1 },
    "options.signal",
    "1",
    SIGNAL,
  ],
  [(o) => loop(wrong(o)), undefined, "loop.run", "undefined", FUNCTION],
  [(o) => loop(wrong(o)), null, "loop", "null", RECORD],
  [(o) => loop(wrong(o)), { run: 1 }, "loop.run", "1", FUNCTION],
  [(o) => loop(wrong(o)), { run: () => {}, onStop: {} }, "loop.onStop", "an object", FUNCTION],
  [(o) => loop(wrong(o)), { run: () => {}, autoReady: 1 }, "loop.autoReady", "1", FLAG],
  [
    (o) => loop(wrong(o)),
    { run: () => {}, stop: () => {} },
    "loop.stop",
    UNKNOWN,
    "one of autoReady, onStart, onStop, run",
  ],
  [(o) => runUntilSignal(wrong(o)), undefined, "runtime", "undefined", A_RUNTIME],
  [(o) => runUntilSignal(wrong(o)), { startAll() {} }, "runtime", "an object", A_RUNTIME],
  [(o) => extend(wrong(o), units), {}, "lifecycle", "an object", A_RUNTIME],
  [(o) => extend(fresh(), wrong(o)), undefined, "extension", "undefined", RECORD],
];

describe("INVALID_OPTION, at once, with the path, the value and what was expected", () => {
  it.each(titled(POLICY))("N4 defineWorker: %s", async (_, row) => {
    const error = await refusal(() =>
      defineWorker(wrong({ name: "bad", worker, ...wrong(row[0]) })),
    );
    expectInvalid(error, row, "workers.bad.");
  });

  it.each(titled(POLICY))("N4 createLifecycle: defaults.%s", async (_, row) => {
    const error = await refusal(() => createLifecycle({ name: "bad", defaults: wrong(row[0]) }));
    expectInvalid(error, row, "defaults.");
  });

  it.each(titled(DEFINITIONS))("N4 defineWorker: %s", async (_, row) => {
    expectInvalid(await refusal(() => defineWorker(wrong(row[0]))), row);
  });

  it.each(titled(RUNTIMES))("N4 createLifecycle: %s", async (_, row) => {
    expectInvalid(await refusal(() => createLifecycle(wrong(row[0]))), row);
  });

  it.each(titled(REGISTRATIONS))("N4 register: %s", async (_, row) => {
    expectInvalid(await refusal(() => runtime.register(wrong(row[0]))), row);
  });

  const calls = CALLS.flatMap(([method, call, keys]) =>
    [...CALL_OPTIONS, [{ force: true }, "options.force", UNKNOWN, `one of ${keys}`] as const]
      .filter(([, path]) => keys.includes("signal") || path !== "options.signal")
      .map((row) => [`${method}: ${row[1]} is ${row[2]}`, call, row] as const),
  );
  it.each(calls)("N4 %s", async (_, call, row) => {
    expectInvalid(await refusal(() => call(row[0])), row);
  });

  const own = OWN_CALL_OPTIONS.map(
    ([call, ...row]) => [`${row[1]} is ${row[2]}`, call, row] as const,
  );
  it.each(own)("N4 %s", async (_, call, row) => {
    expectInvalid(await refusal(() => call(row[0])), row);
  });
});

describe("INVALID_NAME, with the name and the rule", () => {
  const names: readonly (readonly [name: unknown, shown: string])[] = [
    [undefined, "(undefined)"],
    [null, "(null)"],
    [7, "(number)"],
    [{}, "(object)"],
    ["", '""'],
    ["Index", '"Index"'],
    ["in dex", '"in dex"'],
    ["índex", '"\\u00edndex"'],
    ["a.b", '"a.b"'],
    ["line\nbreak", '"line\\nbreak"'],
    ["a/b", '"a/b"'],
    ["x".repeat(64), `"${"x".repeat(64)}"`],
    ["x".repeat(10_000), `"${"x".repeat(64)}"…`],
  ];
  const titles = names.map(([name, shown]) => [shown, name] as const);

  it.each(titles)("N1 defineWorker: %s", async (shown, name) => {
    const error = await refusal(() => defineWorker(wrong({ name, worker })));
    expectCode(error, "INVALID_NAME", `${shown} is no worker name: expected ${NAME}`);
  });

  it.each(titles)("N1 createLifecycle: %s", async (shown, name) => {
    const error = await refusal(() => createLifecycle(wrong({ name })));
    expectCode(error, "INVALID_NAME", `${shown} is no runtime name: expected ${NAME}`);
  });

  it.each(titles.filter(([shown, name]) => typeof name === "string" && shown !== '"a/b"'))(
    "N2 a malformed reference: %s",
    async (shown, name) => {
      for (const call of [
        () => runtime.start(wrong(name)),
        () => runtime.stop(wrong(name)),
        () => runtime.drain(wrong(name)),
        () => runtime.unregister(wrong(name)),
        () => runtime.worker(wrong(name)),
        () => runtime.waitIdle(wrong(name)),
      ]) {
        expectCode(await refusal(call), "INVALID_NAME", `${shown} is no worker name`, NAME);
      }
    },
  );
});

describe("names that name nothing, or too much", () => {
  const unknown: readonly (readonly [title: string, reference: unknown, shown: string])[] = [
    ["a local name", "nope", '"nope"'],
    ["a full name", "shop/nope", '"shop/nope"'],
    ["another runtime's worker", "store/db", '"store/db"'],
    ["another definition of the same name", otherDb, '"db" of this very definition'],
    ["a definition that is not registered", defineWorker({ name: "far", worker }), '"far"'],
  ];
  it.each(unknown)("N2 WORKER_NOT_FOUND: %s", async (_, reference, shown) => {
    for (const call of [
      () => runtime.start(wrong(reference)),
      () => runtime.start(wrong(reference), { dependencies: true }),
      () => runtime.stop(wrong(reference)),
      () => runtime.stop(wrong(reference), { dependants: true }),
      () => runtime.drain(wrong(reference)),
      () => runtime.unregister(wrong(reference)),
      () => runtime.waitIdle(wrong(reference)),
    ]) {
      expectCode(await refusal(call), "WORKER_NOT_FOUND", `runtime shop has no worker ${shown}`);
    }
  });

  it("N3 WORKER_ALREADY_REGISTERED: a second worker of a name, or one twice", async () => {
    for (const definition of [db, otherDb]) {
      const error = await refusal(() => runtime.register(definition));
      expectCode(error, "WORKER_ALREADY_REGISTERED", "runtime shop already has a worker db");
    }
    const twice = await refusal(() => createLifecycle({ name: "bad", workers: [db, db] }));
    expectCode(twice, "WORKER_ALREADY_REGISTERED", "runtime bad already has a worker db");
  });

  const graphs: readonly (readonly [
    worker: string,
    path: string,
    value: string,
    expected: string,
  ])[] = [
    ["orphan", "workers.orphan.dependsOn[0]", '"nobody"', "the name of a registered worker"],
    [
      "reader",
      "workers.reader.dependsOn[0]",
      '"db"',
      "the very definition that is registered under this name",
    ],
    [
      "egg",
      "workers.egg.dependsOn",
      '"egg -> chicken -> egg"',
      "no cycle: a worker cannot wait for itself",
    ],
    [
      "farm",
      "workers.egg.dependsOn",
      '"egg -> chicken -> egg"',
      "no cycle: a worker cannot wait for itself",
    ],
    [
      "own-tail",
      "workers.own-tail.dependsOn",
      '"own-tail -> own-tail"',
      "no cycle: a worker cannot wait for itself",
    ],
  ];
  it.each(graphs)("N5 the start of %s", async (name, path, value, expected) => {
    for (const options of [{}, { dependencies: true }]) {
      expectInvalid(await refusal(() => runtime.start(name, options)), [
        name,
        path,
        value,
        expected,
      ]);
    }
  });

  it("N5 startAll refuses the whole", async () => {
    const error = await refusal(() => runtime.startAll());
    expectCode(error, "INVALID_OPTION", "workers.orphan.dependsOn[0]", "registered worker");
  });

  const eventNames: readonly unknown[] = ["worker:failed", "", undefined, "toString", "__proto__"];
  it.each(eventNames)("an event %j that nobody emits", async (name) => {
    for (const call of [
      () => runtime.events.on(wrong(name), () => {}),
      () => runtime.events.once(wrong(name)),
      () => runtime.events.once(wrong(name), { signal: new AbortController().signal }),
    ]) {
      expectCode(
        await refusal(call),
        "INVALID_OPTION",
        "name is",
        "expected the name of an event: worker:registered,",
      );
    }
  });
});
