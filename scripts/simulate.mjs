// The simulation of the runtime, at the size of a night: npm run simulate -- --operations 1000000 --seed 1
// Shares the storms among the cores, prints the figures, and fails if an invariant broke or something rare was not met.
import { fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const script = fileURLToPath(import.meta.url);
const { values } = parseArgs({
  options: {
    operations: { type: "string", default: "1000000" },
    seed: { type: "string", default: "1" },
    processes: { type: "string", default: String(Math.min(availableParallelism(), 8)) },
  },
});
const [operations, seed, processes] = [values.operations, values.seed, values.processes].map(
  Number,
);
for (const [name, value] of Object.entries({ operations, seed, processes })) {
  if (!Number.isInteger(value) || (name !== "seed" && value < 1)) {
    fail(
      `--${name} is ${values[name]}: expected a whole number${name === "seed" ? "" : " of 1 or more"}`,
    );
  }
}
if (process.send) await share();
else await all();

/** One process: every n-th storm. */
async function share() {
  const { checkRuntime } = await import("../packages/testing/src/index.ts");
  process.send(await checkRuntime({ seed, step: processes, operations }));
  process.disconnect();
}

async function all() {
  const began = performance.now();
  const each = Math.ceil(operations / processes);
  const checks = await Promise.all(
    Array.from({ length: processes }, (_, place) => runShare(seed + place, each)),
  );
  const seconds = (performance.now() - began) / 1000;
  const total = { storms: 0, operations: 0, events: 0, fakeMs: 0 };
  const reached = {};
  for (const { figures } of checks) {
    for (const key of Object.keys(total)) total[key] += figures[key];
    for (const [what, times] of Object.entries(figures.reached)) {
      reached[what] = (reached[what] ?? 0) + times;
    }
  }
  console.log(
    `seed ${seed}: ${total.operations} operations in ${total.storms} storms, ${total.events} events`,
  );
  console.log(
    `${(total.fakeMs / 3_600_000).toFixed(1)} simulated hours in ${seconds.toFixed(1)} s, ${processes} processes`,
  );
  const { MUST_REACH } = await import("../packages/testing/src/index.ts");
  for (const what of MUST_REACH) console.log(`reached ${reached[what] ?? 0} times: ${what}`);
  const failures = checks.filter(({ text }) => text !== undefined);
  for (const { text } of failures) console.error(text);
  const missed = MUST_REACH.filter((what) => !reached[what]);
  // A few operations may miss what is rare; so many may not.
  const tooFew = operations >= 20_000 && missed.length > 0;
  if (missed.length > 0) console.error(`never reached: ${missed.join(", ")}`);
  process.exitCode = failures.length > 0 || tooFew ? 1 : 0;
}

function runShare(firstSeed, count) {
  const args = [`--operations=${count}`, `--seed=${firstSeed}`, `--processes=${processes}`];
  return new Promise((resolve, reject) => {
    const child = fork(script, args, { execArgv: [...process.execArgv, "--no-warnings"] });
    let check;
    child.on("message", (message) => {
      check = message;
    });
    child.on("error", reject);
    child.on("exit", (code) => {
      if (check !== undefined && code === 0) resolve(check);
      else reject(new Error(`the share of seed ${firstSeed} ended with ${code}`));
    });
  });
}

function fail(message) {
  console.error(message);
  process.exit(2);
}
