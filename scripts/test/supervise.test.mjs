// Real processes and real time: what is tested here is how the operating system delivers signals.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const supervise = new URL("../supervise.mjs", import.meta.url).href;
const cwd = fileURLToPath(new URL("../..", import.meta.url));

/** Ends with 3 1.5 seconds after its first signal, at once with 128 + n at its second. */
const service = `
  let signals = 0;
  for (const [signal, number] of [["SIGINT", 2], ["SIGTERM", 15], ["SIGHUP", 1]])
    process.on(signal, () => {
      console.log(signal);
      if (++signals > 1) process.exit(128 + number);
      setTimeout(() => { console.log("shut down"); process.exit(3); }, 1500);
    });
  setInterval(() => {}, 1000);
  console.log("up", process.pid);`;

/** Starts the service under supervision, as the leader of a group of its own, and waits until it is up. */
async function start() {
  const program = `
    import { runService } from ${JSON.stringify(supervise)};
    const args = ["--eval", ${JSON.stringify(service)}];
    process.exitCode = await runService(process.execPath, args, process.env);`;
  const supervisor = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    cwd,
    detached: true,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  supervisor.stdout.setEncoding("utf8").on("data", (text) => {
    output += text;
  });
  const closed = once(supervisor, "close");
  await once(supervisor.stdout, "data");
  return { supervisor, ended: () => closed.then(() => output.trim().split("\n").slice(1)) };
}

it.concurrent.each(["SIGINT", "SIGTERM", "SIGHUP"])(
  "passes %s on and ends with the service's exit code",
  async (signal) => {
    const { supervisor, ended } = await start();
    supervisor.kill(signal);
    expect(await ended()).toEqual([signal, "shut down"]);
    expect(supervisor.exitCode).toBe(3);
  },
);

it.concurrent("delivers once what comes from the terminal and from npm", async () => {
  const { supervisor, ended } = await start();
  process.kill(-supervisor.pid, "SIGINT");
  await new Promise((resolve) => setTimeout(resolve, 50));
  supervisor.kill("SIGINT");
  expect(await ended()).toEqual(["SIGINT", "shut down"]);
});

it.concurrent("delivers a second signal", async () => {
  const { supervisor, ended } = await start();
  supervisor.kill("SIGTERM");
  await once(supervisor.stdout, "data");
  await new Promise((resolve) => setTimeout(resolve, 500));
  supervisor.kill("SIGTERM");
  expect(await ended()).toEqual(["SIGTERM", "SIGTERM"]);
  expect(supervisor.exitCode).toBe(143);
});

it.concurrent("lets no service outlive it", async () => {
  const { supervisor, ended } = await start();
  process.kill(-supervisor.pid, "SIGKILL");
  expect(await ended()).toEqual(["SIGTERM", "shut down"]);
});
