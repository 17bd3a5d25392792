import { createFakeClock } from "@workerkit/contracts/fake-clock";
import type { ShutdownReport } from "@workerkit/lifecycle";
import { expect, it } from "vitest";
import { createService, tourWhenReady } from "../service.ts";
import { MemoryDisk, systemError } from "./memory-disk.ts";

/** A service on a fake clock, with all that it says as "who: what". */
function serviceOf(disk: MemoryDisk, onSay: (who: string) => void = () => {}) {
  const clock = createFakeClock();
  const lines: string[] = [];
  const say = (who: string, what: string) => {
    onSay(who);
    lines.push(`${who}: ${what}`);
  };
  const service = createService({ disk, rescanMs: 5_000, say, clock });
  return { ...service, clock, lines, say, service };
}

/** Files 0.md, 1.md and so on. */
function manyFiles(count: number): MemoryDisk {
  const files = Array.from({ length: count }, (_, index) => [`${index}.md`, `# File ${index}`]);
  return new MemoryDisk(Object.fromEntries(files));
}

it("finds all files, indexes them, and is ready then", async () => {
  const disk = manyFiles(20);
  const { runtime, clock, lines } = serviceOf(disk);
  disk.onRead = () => new Promise<void>((resolve) => clock.setTimeout(resolve, 10));
  await clock.settle(() => runtime.startAll());
  expect(runtime.status().ready).toBe(false);
  await clock.settle(() => runtime.whenReady());
  expect(lines).toEqual([
    "files: found 20 Markdown files",
    "indexer: indexes 20 files",
    "indexer: is up to date in 30 ms: 20 documents, 21 different words",
  ]);
});

it("is ready at once where there is no file", async () => {
  const { runtime, clock, lines } = serviceOf(new MemoryDisk());
  await clock.settle(() => runtime.startAll());
  await clock.settle(() => runtime.whenReady());
  expect(lines).toEqual(["files: found 0 Markdown files"]);
});

it("reads at most eight files side by side", async () => {
  const disk = manyFiles(50);
  const { runtime, clock } = serviceOf(disk);
  await clock.settle(() => runtime.startAll());
  await clock.settle(() => runtime.whenReady());
  expect(disk.mostReading).toBe(8);
});

it("picks up at the next look what is new, changed and gone, and reads only that", async () => {
  const disk = manyFiles(5);
  const { runtime, clock, lines } = serviceOf(disk);
  await clock.settle(() => runtime.startAll());
  await clock.flush();
  disk.reads.length = lines.length = 0;
  disk.write("new.md", "# Quokka");
  disk.write("0.md", "# Wombat");
  disk.remove("1.md");
  await clock.advance(4_999);
  expect(disk.reads).toEqual([]);
  await clock.advance(1);
  expect(disk.reads.sort()).toEqual(["0.md", "new.md"]);
  expect(lines).toEqual([
    "files: new: new.md; changed: 0.md; gone: 1.md",
    "indexer: indexes 2 files",
    // File, 2, 3, 4, quokka, wombat
    "indexer: is up to date in 0 ms: 5 documents, 6 different words",
  ]);
});

it("misses no change that comes while it indexes", async () => {
  const disk = manyFiles(1);
  const { runtime, clock, lines } = serviceOf(disk);
  let finish = () => {};
  disk.onRead = () => new Promise<void>((resolve) => (finish = resolve));
  await clock.settle(() => runtime.startAll());
  disk.write("late.md", "# Late");
  await clock.advance(5_000);
  disk.onRead = () => {};
  finish();
  await clock.flush();
  expect(disk.reads).toEqual(["0.md", "late.md"]);
  expect(lines.at(-1)).toContain("2 documents");
});

it("has patience with a machine that is short of file handles", async () => {
  const disk = manyFiles(1);
  let refusals = 3;
  disk.onRead = () => {
    if (refusals-- > 0) throw systemError("EMFILE");
  };
  const { runtime, clock, lines } = serviceOf(disk);
  await clock.settle(() => runtime.startAll());
  await clock.settle(() => runtime.whenReady());
  expect(disk.reads).toHaveLength(4);
  expect(lines.at(-1)).toContain("1 document,");
});

it("leaves out a file that cannot be read, says so once, and takes it in when it changes", async () => {
  const disk = manyFiles(3);
  disk.onRead = (name) => {
    if (name === "1.md") throw systemError("EACCES");
  };
  const { runtime, clock, lines } = serviceOf(disk);
  await clock.settle(() => runtime.startAll());
  await clock.settle(() => runtime.whenReady());
  expect(lines).toContain("indexer: leaves out 1.md: EACCES");
  expect(lines.at(-1)).toContain("2 documents");
  await clock.advance(60_000);
  expect(disk.reads).toHaveLength(3);
  disk.onRead = () => {};
  disk.write("1.md", "# Readable");
  await clock.advance(5_000);
  expect(lines.filter((line) => line.includes("1.md"))).toHaveLength(2);
  expect(lines.at(-1)).toContain("3 documents");
});

it("leaves out a file that was indexed once it changes and cannot be read", async () => {
  const disk = manyFiles(2);
  const { runtime, clock, lines } = serviceOf(disk);
  await clock.settle(() => runtime.startAll());
  await clock.flush();
  disk.write("1.md", "# Changed");
  disk.onRead = () => {
    throw systemError("EIO");
  };
  await clock.advance(5_000);
  expect(lines.at(-1)).toContain("1 document,");
});

it("keeps what it knows while the disk is gone, and is not ready meanwhile", async () => {
  const disk = manyFiles(3);
  const { runtime, clock, lines } = serviceOf(disk);
  await clock.settle(() => runtime.startAll());
  await clock.settle(() => runtime.whenReady());
  lines.length = 0;
  disk.onFind = () => {
    throw systemError("ENOENT");
  };
  await clock.advance(60_000);
  expect(runtime.status().notReadyBecause.map(({ worker }) => worker)).toEqual(["files"]);
  disk.onFind = () => {};
  await clock.advance(5_000);
  expect(runtime.status().ready).toBe(true);
  expect(lines.filter((line) => !line.startsWith("stats"))).toEqual([
    "files: cannot look for changes: ENOENT",
  ]);
  expect(disk.reads).toHaveLength(3);
});

it("does not start where the first look fails", async () => {
  const disk = new MemoryDisk();
  disk.onFind = () => {
    throw systemError("EACCES");
  };
  const { runtime, clock } = serviceOf(disk);
  runtime.events.on("worker:failure", () => {}); // nobody need be warned of it
  await expect(clock.settle(() => runtime.startAll())).rejects.toThrow("EACCES");
  expect(runtime.worker("indexer")?.state).toBe("registered");
});

it("in mid-index finishes the files that it has begun, begins no other, and stops dependants first", async () => {
  const disk = manyFiles(100);
  const { runtime, clock, lines } = serviceOf(disk);
  disk.onRead = () => new Promise<void>((resolve) => clock.setTimeout(resolve, 100));
  await clock.settle(() => runtime.startAll());
  await clock.advance(250);
  const { workers } = await clock.settle(() => runtime.shutdown());
  expect(disk.reads).toHaveLength(24);
  expect(disk.reading).toBe(0);
  expect(lines.at(-1)).toBe("indexer: gives up an index of 24 documents, 25 different words");
  expect(workers.map(({ worker }) => worker)).toEqual(["stats", "indexer", "files"]);
  expect(workers[1]).toMatchObject({ outcome: "stopped", drainMs: 50, aborted: 0, abandoned: [] });
});

it("in the middle of a look just ends it", async () => {
  const disk = manyFiles(1);
  const { runtime, clock, lines } = serviceOf(disk);
  await clock.settle(() => runtime.startAll());
  disk.onFind = () => new Promise(() => {});
  await clock.advance(5_000);
  lines.length = 0;
  const { workers } = await clock.settle(() => runtime.shutdown());
  expect(workers.at(-1)).toMatchObject({ worker: "files", outcome: "stopped", stopMs: 0 });
  expect(lines).toEqual(["indexer: gives up an index of 1 document, 2 different words"]);
});

it("gives up a read that never ends, within the time of the shutdown", async () => {
  const disk = manyFiles(3);
  const { runtime, clock, lines } = serviceOf(disk);
  disk.onRead = (name) => (name === "1.md" ? new Promise(() => {}) : undefined);
  await clock.settle(() => runtime.startAll());
  const { durationMs, workers } = await clock.settle(() => runtime.shutdown());
  expect(durationMs).toBeLessThanOrEqual(20_000);
  expect(workers[1]).toMatchObject({ worker: "indexer", outcome: "stopped", aborted: 1 });
  expect(lines).toContain("indexer: leaves out 1.md: WORKER_STOPPING");
});

it("indexes everything anew when the indexer alone is stopped and started", async () => {
  const disk = manyFiles(4);
  const { runtime, clock, lines } = serviceOf(disk);
  await clock.settle(() => runtime.startAll());
  await clock.settle(() => runtime.stop("indexer", { dependants: true }));
  await clock.settle(() => runtime.start("indexer"));
  await clock.flush();
  expect(disk.reads).toHaveLength(8);
  expect(lines.at(-1)).toContain("4 documents");
});

it("has failed when a worker that it needs has, whatever the reason", async () => {
  const disk = manyFiles(1);
  const { runtime, clock } = serviceOf(disk);
  runtime.events.on("worker:failure", () => {}); // nobody need be warned of it
  await clock.settle(() => runtime.startAll());
  disk.write("bug.md", JSON.parse("null")); // a bug, for the indexer has no other way to fail
  await clock.advance(5_000);
  expect(runtime.status()).toMatchObject({ state: "failed", failedBecause: "indexer" });
});

it("goes on, and stays ready, when only the statistics have failed", async () => {
  const { runtime, clock, lines } = serviceOf(manyFiles(1), (who) => {
    if (who === "stats") throw new Error("cannot count");
  });
  runtime.events.on("worker:failure", () => {});
  await clock.settle(() => runtime.startAll());
  await clock.advance(10_000);
  expect(lines.at(-1)).toContain("1 document");
  expect(runtime.worker("stats")?.state).toBe("failed");
  expect(runtime.status()).toMatchObject({ state: "running", ready: true });
});

it("says how large the index is when that has changed", async () => {
  const disk = manyFiles(2);
  const { runtime, clock, lines } = serviceOf(disk);
  await clock.settle(() => runtime.startAll());
  await clock.advance(60_000);
  disk.write("new.md", "# New");
  await clock.advance(60_000);
  expect(lines.filter((line) => line.startsWith("stats"))).toEqual([
    "stats: 2 documents, 3 different words",
    "stats: 3 documents, 4 different words",
  ]);
});

it("gives the tour once all is indexed, and asks for the shutdown when it is over", async () => {
  const disk = new MemoryDisk({ "end.md": "# A graceful shutdown", "other.md": "# Other" });
  const { runtime, service, clock, lines, say } = serviceOf(disk);
  const request = new Promise((resolve) => runtime.onShutdown(resolve));
  const tour = tourWhenReady(service, say);
  await clock.settle(() => runtime.startAll());
  expect(await clock.settle(request)).toEqual({ worker: "tour", reason: "the tour is over" });
  await tour;
  expect(lines).toContain('tour: "graceful shutdown" is in 1 document');
  expect(lines).toContain('tour: "retry with backoff" is in 0 documents');
  const { workers }: ShutdownReport = await clock.settle(() => runtime.shutdown());
  expect(workers.map(({ worker }) => worker)).toEqual(["stats", "tour", "indexer", "files"]);
});
