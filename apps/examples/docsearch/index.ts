// A service that keeps a full-text index of Markdown files: `npm start` runs it, `npm start -- --once` gives a tour of it.

import { systemClock, toError } from "@workerkit/contracts";
import { runUntilSignal, type ShutdownReport } from "@workerkit/lifecycle";
import { type Config, readArguments, readConfig, USAGE } from "./config.ts";
import { markdownFolder } from "./disk.ts";
import { narrate, tellReport } from "./narrate.ts";
import { sayTo } from "./say.ts";
import { createService, tourWhenReady } from "./service.ts";

const args = readArguments(process.argv.slice(2));
if (args === undefined) refuse(USAGE, 2);
await run(configOrRefuse(), args.once);

async function run({ docsDir, rescanMs }: Config, once: boolean): Promise<void> {
  const say = sayTo(console.log, systemClock);
  const service = createService({ disk: markdownFolder(docsDir), rescanMs, say });
  const { runtime } = service;
  narrate(runtime, say);
  const log = (line: string) => say(runtime.name, line.replace(`${runtime.name}: `, ""));
  const ended = runUntilSignal(runtime, { log, signal: whenNobodyReads() });
  say(runtime.name, `looks after ${docsDir} every ${rescanMs / 1_000} s; Ctrl-C ends it`);
  // Whatever keeps the tour from being given ends the service, which says why.
  if (once) tourWhenReady(service, say).catch(() => {});
  try {
    tellReport(await ended, say);
  } catch (error) {
    const { report } = error as { readonly report?: ShutdownReport };
    if (report !== undefined) tellReport(report, say);
    const { message, stack = message } = toError(error);
    say(runtime.name, stack);
  }
}

/** Aborts when the reader of what it says is gone, as in `npm start | head`. */
function whenNobodyReads(): AbortSignal {
  const gone = new AbortController();
  process.stdout.on("error", () => gone.abort());
  return gone.signal;
}

function configOrRefuse(): Config {
  try {
    return readConfig(process.env);
  } catch (error) {
    return refuse(`docsearch: ${toError(error).message}`, 1);
  }
}

function refuse(line: string, exitCode: number): never {
  console.error(line);
  process.exit(exitCode);
}
