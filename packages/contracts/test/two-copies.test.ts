import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import * as mine from "@workerkit/contracts";
import { createFakeClock } from "@workerkit/contracts/fake-clock";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

// Two versions of one package in a tree are two copies of its modules: here the second one is a copied folder.
let folder: string;
let theirs: typeof mine;
let theirClocks: typeof import("@workerkit/contracts/fake-clock");

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "workerkit-contracts-"));
  await cp(fileURLToPath(new URL("../src", import.meta.url)), folder, { recursive: true });
  theirs = await import(pathToFileURL(join(folder, "index.ts")).href);
  theirClocks = await import(pathToFileURL(join(folder, "fake-clock.ts")).href);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe("two copies of the package in one process", () => {
  it("are two indeed", () => {
    expect(theirs.WorkerkitError).not.toBe(mine.WorkerkitError);
    expect(new theirs.WorkerkitError("TIMEOUT", "x")).not.toBeInstanceOf(mine.WorkerkitError);
  });

  it("know each other's errors by brand and code", () => {
    const error = new theirs.WorkerkitError("TIMEOUT", "too slow");
    expect(mine.isWorkerkitError(error)).toBe(true);
    expect(mine.isWorkerkitError(error, "TIMEOUT")).toBe(true);
    expect(mine.isWorkerkitError(error, "ABANDONED")).toBe(false);
    expect(mine.toError(error)).toBe(error);
    expect(mine.safeMessageOf(error, "WORKER_FAILED")).toEqual({
      code: "TIMEOUT",
      message: "too slow",
    });
  });

  it("know each other's panics, and the marks that the other set", () => {
    expect(mine.isPanic(new theirs.Panic("never"))).toBe(true);
    expect(mine.isFatal(theirs.withFatal(new Error("for good")))).toBe(true);
    const safe = { code: "NO_STOCK", message: "out of stock" };
    const spoken = theirs.withSafeMessage(new Error("secret"), safe);
    expect(mine.safeMessageOf(spoken, "COMMAND_FAILED")).toEqual(safe);
  });

  it("sleep and set deadlines on each other's clocks", async () => {
    for (const [copy, clock] of [
      [mine, theirClocks.createFakeClock()],
      [theirs, createFakeClock()],
    ] as const) {
      await clock.settle(copy.sleep(clock, 1000));
      expect(clock.monotonicMs()).toBe(1000);
      const controller = new AbortController();
      const sleeping = copy.sleep(clock, 1000, controller.signal);
      controller.abort("woken");
      await expect(sleeping).rejects.toBe("woken");
      class Limit extends copy.Deadline {
        passed = false;
        onDeadline(): void {
          this.passed = true;
        }
      }
      const [passing, cleared] = [new Limit(), new Limit()];
      const deadlines = new copy.Deadlines(clock, "limits");
      deadlines.set(passing, 10);
      deadlines.set(cleared, 10);
      deadlines.clear(cleared);
      await clock.advance(10);
      expect([passing.passed, cleared.passed]).toEqual([true, false]);
      expect(clock.pending()).toEqual([]);
    }
  });

  it("wait on one signal, with one listener each", () => {
    const controller = new AbortController();
    const heard: string[] = [];
    mine.onAbort(controller.signal, () => heard.push("mine"));
    theirs.onAbort(controller.signal, () => heard.push("theirs"));
    controller.abort();
    expect(heard).toEqual(["mine", "theirs"]);
  });
});
