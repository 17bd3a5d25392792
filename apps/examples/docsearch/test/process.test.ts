// Real processes on real time: signals, exit codes and what stands on the terminal in the end are the promises of a service, and
// none of them can be seen from inside. Nothing here sleeps: each step waits for a line.

import { chmod, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { RunningService } from "./running-service.ts";

const LIMIT = { timeout: 60_000 };

let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "docsearch-"));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    // In one step, so that no look at the folder meets half a file.
    await writeFile(join(folder, "half.written"), text);
    await rename(join(folder, "half.written"), join(folder, name));
  }
}

async function writeMany(count: number): Promise<void> {
  const text = "Words about retries and shutdowns, and a few more of them. ".repeat(40);
  await Promise.all(
    Array.from({ length: count }, (_, index) =>
      writeFile(join(folder, `${index}.md`), `# File ${index}\n\n${text}`),
    ),
  );
}

/** Numbers differ from run to run. */
function withoutNumbers(lines: readonly string[]): string[] {
  return lines.map((line) => line.replace(/\d[\d,.]*/g, "N"));
}

/** How the process says that it ended, for whatever reason, with nobody but the three workers. */
const END = [
  "stats      draining",
  "stats      stopping",
  "stats      stopped",
  "indexer    draining",
  "indexer    stopping",
  "indexer    gives up an index of N documents, N different words",
  "indexer    stopped",
  "files      draining",
  "files      stopping",
  "files      stopped",
];
const REPORT = ["stats", "indexer", "files"].map(
  (worker) => `${worker.padEnd(11)}drained in N ms, stopped in N ms, N aborted, N left behind`,
);

describe("one tour", () => {
  it("starts, indexes, answers, drains, stops and reports, in these lines", LIMIT, async () => {
    await write({
      "shutdown.md": "# A graceful shutdown\n\nWhat is begun may finish.",
      "retry.md": "# Retry with some backoff\n\nThen a shutdown, not so graceful.",
      "limits.md": "# How to limit concurrency",
      "notes.txt": "retry with backoff",
    });
    await using service = new RunningService({ args: ["--once"], env: { DOCS_DIR: folder } });
    const { code, lines, stderr } = await service.ended;
    expect(withoutNumbers(lines)).toEqual(
      [
        `docsearch  looks after ${folder} every 5 s; Ctrl-C ends it`,
        "files      starting",
        "files      found 3 Markdown files",
        "files      running",
        "indexer    starting",
        "indexer    indexes 3 files",
        "indexer    running",
        "stats      starting",
        "stats      running",
        "indexer    is up to date in 2 ms: 3 documents, 17 different words",
        "docsearch  ready",
        "tour       starting",
        "tour       running",
        'tour       "graceful shutdown" is in 2 documents',
        "             A graceful shutdown             shutdown.md",
        "             Retry with some backoff         retry.md",
        'tour       "retry with backoff" is in 1 document',
        "             Retry with some backoff         retry.md",
        'tour       "limit concurency" is in 1 document',
        "             How to limit concurrency        limits.md",
        "docsearch  shuts down; a second signal ends it at once",
        "stats      draining",
        "tour       draining",
        "stats      stopping",
        "tour       stopping",
        "stats      stopped",
        "tour       stopped",
        ...END.slice(3),
        "docsearch  worker tour: the tour is over, shut down in 4 ms",
        REPORT[0] ?? "",
        "tour       drained in 0 ms, stopped in 1 ms, 0 aborted, 0 left behind",
        ...REPORT.slice(1),
      ].map((line) => withoutNumbers([line])[0]),
    );
    expect(stderr).toBe("");
    expect(code).toBe(0);
  });

  it(
    "of this repository finds hundreds of files, and prints what the README shows",
    LIMIT,
    async () => {
      // Somebody may be writing here while this runs: one look is enough.
      const env = { RESCAN_MS: "3600000" };
      await using service = new RunningService({ args: ["--once"], env });
      const { code, lines, stderr } = await service.ended;
      const found = lines.find((line) => line.startsWith("files      found"));
      expect(Number(found?.match(/\d+/))).toBeGreaterThan(200);
      const answers = lines.filter((line) => line.startsWith('tour       "'));
      expect(answers).toHaveLength(3);
      for (const answer of answers) expect(answer).toMatch(/ is in [1-9]\d* documents?$/);

      // What is found changes with every README that is written and every package that is installed.
      const shape = (output: readonly string[]) =>
        withoutNumbers(output)
          .filter((line) => !line.startsWith("  "))
          .map((line) =>
            line.replace(/documents?$/, "documents").replace(/after .* every/, "after it every"),
          );
      const [shown = []] = await outputsInReadme();
      expect(shape(shown)).toEqual(shape(lines));
      expect(stderr).toBe("");
      expect(code).toBe(0);
    },
  );
});

describe("a signal", () => {
  it(
    "in mid-index lets the files that were begun finish, stops all in order, and is followed by the report",
    LIMIT,
    async () => {
      await writeMany(2_000);
      await using service = new RunningService({ env: { DOCS_DIR: folder } });
      await service.line("indexes 2,000 files");
      service.child.kill("SIGTERM");
      const { code, lines, stderr } = await service.ended;
      const begun = lines.indexOf("docsearch  shuts down; a second signal ends it at once");
      expect(begun).toBeGreaterThan(0);
      expect(withoutNumbers(lines.slice(begun + 1))).toEqual([
        ...END,
        "docsearch  SIGTERM, shut down in N ms",
        ...REPORT,
      ]);
      const [, shown = []] = await outputsInReadme();
      const sinceIndexing = lines.slice(lines.findIndex((line) => line.includes("indexes")));
      expect(withoutNumbers(shown)).toEqual(
        withoutNumbers(sinceIndexing).map((line) => line.replace("SIGTERM", "SIGINT")),
      );
      const documents = lines
        .find((line) => line.includes("gives up"))
        ?.match(/[\d,]+(?= documents)/);
      expect(Number(documents?.[0].replace(",", ""))).toBeLessThan(2_000);
      expect(lines.find((line) => line.includes("up to date"))).toBeUndefined();
      expect(lines.filter((line) => line.endsWith("0 aborted, 0 left behind"))).toHaveLength(3);
      expect(stderr).toBe("");
      expect(code).toBe(0);
    },
  );

  it("before the first worker has started ends it as cleanly", LIMIT, async () => {
    await write({ "a.md": "# A" });
    // It signals itself as soon as it listens for signals, and so before the disk has answered the first worker's first question.
    const before = `process.on("newListener", (name) => {
      if (name === "SIGTERM") process.kill(process.pid, "SIGTERM");
    });`;
    await using service = new RunningService({ env: { DOCS_DIR: folder }, before });
    const { code, lines, stderr } = await service.ended;
    expect(withoutNumbers(lines.slice(1))).toEqual([
      "files      starting",
      "docsearch  shuts down; a second signal ends it at once",
      "files      stopping",
      "files      stopped",
      "docsearch  SIGTERM, shut down in N ms",
      REPORT[2],
    ]);
    expect(stderr).toBe("");
    expect(code).toBe(0);
  });

  it("that comes a second time ends it at once, whatever it still waits for", LIMIT, async () => {
    await write({ "slow.md": "# Slow" });
    const before = readingInstead("slow.md", "new Promise(() => {})"); // which never ends
    await using service = new RunningService({ env: { DOCS_DIR: folder }, before });
    await service.line("indexes 1 file");
    service.child.kill("SIGINT");
    await service.line("indexer    draining");
    service.child.kill("SIGINT");
    const { code, lines } = await service.ended;
    expect(code).toBe(130);
    expect(lines.at(-1)).toBe("docsearch  SIGINT again, exits at once");
  });
});

describe("while it runs", () => {
  it("picks up what is new, changed and gone", LIMIT, async () => {
    await write({ "old.md": "# Old", "gone.md": "# Gone" });
    const env = { DOCS_DIR: folder, RESCAN_MS: "20" };
    await using service = new RunningService({ env });
    await service.line("docsearch  ready");
    await write({ "new.md": "# New" });
    await service.line("files      new: new.md");
    await service.line("3 documents");
    await write({ "old.md": "# Changed" });
    await service.line("changed: old.md");
    await rm(join(folder, "gone.md"));
    await service.line("files      gone: gone.md");
    service.child.kill("SIGTERM");
    const { code, lines } = await service.ended;
    // Changed, new
    expect(lines).toContain("indexer    gives up an index of 2 documents, 2 different words");
    expect(code).toBe(0);
  });

  it("leaves out what it cannot read, and stays up", LIMIT, async () => {
    await write({ "a.md": "# Fine", "secret.md": "# Secret" });
    await symlink("loop.md", join(folder, "loop.md"));
    // Nothing is closed to root, but not even root can read the beginning of its memory.
    if (process.getuid?.() === 0) await symlink("/proc/self/mem", join(folder, "memory.md"));
    else await chmod(join(folder, "secret.md"), 0);
    const env = { DOCS_DIR: folder, RESCAN_MS: "20" };
    await using service = new RunningService({ env });
    await service.line("docsearch  ready");
    await write({ "b.md": "# Later" });
    await service.line("files      new: b.md");
    service.child.kill("SIGTERM");
    const { code, lines } = await service.ended;
    expect(lines.filter((line) => line === "files      cannot read loop.md: ELOOP")).toHaveLength(
      1,
    );
    expect(
      lines.filter((line) => /^indexer {4}leaves out .*: E(IO|ACCES)$/.test(line)),
    ).toHaveLength(1);
    expect(code).toBe(0);
  });

  it("keeps what it knows while the folder is gone", LIMIT, async () => {
    const docs = join(folder, "docs");
    await mkdir(docs);
    await writeFile(join(docs, "a.md"), "# A");
    await using service = new RunningService({ env: { DOCS_DIR: docs, RESCAN_MS: "20" } });
    await service.line("docsearch  ready");
    await rm(docs, { recursive: true });
    await service.line("files      cannot look for changes: ENOENT");
    await service.line("docsearch  not ready because of files");
    service.child.kill("SIGTERM");
    const { code, lines } = await service.ended;
    expect(lines).toContain("indexer    gives up an index of 1 document, 1 different word");
    expect(code).toBe(0);
  });

  it("ends in order when nobody reads any more what it says", LIMIT, async () => {
    await write({ "a.md": "# A" });
    const env = { DOCS_DIR: folder, RESCAN_MS: "20" };
    await using service = new RunningService({ env });
    await service.line("docsearch  ready");
    service.child.stdout?.destroy();
    await write({ "b.md": "# Something to say" });
    const { code, stderr } = await service.ended;
    expect(stderr).toBe("");
    expect(code).toBe(0);
  });
});

it(
  "ends with exit code 1, and says why, when a worker that it needs has failed",
  LIMIT,
  async () => {
    await write({ "a.md": "# A" });
    // A bug in the indexer, which takes what it has read for text.
    await using service = new RunningService({
      args: ["--once"],
      env: { DOCS_DIR: folder },
      before: readingInstead("a.md", "42"),
    });
    const { code, lines, stderr } = await service.ended;
    expect(lines).toContain("indexer    failed");
    const failed = lines.findIndex((line) =>
      /^docsearch {2}worker indexer failed the runtime, failed in \d+ ms$/.test(line),
    );
    expect(lines[failed + 1]).toMatch(/^docsearch {2}TypeError: /);
    expect(stderr).toBe("");
    expect(code).toBe(1);
  },
);

describe("what it is told wrong ends it at once", () => {
  const USAGE = "Usage: npm start [-- --once]\n";
  const NO_FOLDER =
    'docsearch: DOCS_DIR must be a folder that can be read, got "/no/such" (ENOENT)\n';
  const NO_TIME =
    'docsearch: RESCAN_MS must be a whole number of milliseconds, 10 or more, got "soon"\n';

  it.each([
    { args: ["--twice"], env: {}, stderr: USAGE, code: 2 },
    { args: [], env: { DOCS_DIR: "/no/such" }, stderr: NO_FOLDER, code: 1 },
    { args: ["--once"], env: { RESCAN_MS: "soon" }, stderr: NO_TIME, code: 1 },
  ])("with exit code $code and $stderr", LIMIT, async ({ args, env, stderr, code }) => {
    await using service = new RunningService({ args, env });
    expect(await service.ended).toMatchObject({ code, lines: [], stderr });
  });
});

/** JavaScript that lets the reading of a file return something else, as no real disk does at a test's wish. */
function readingInstead(name: string, returned: string): string {
  return `import fs from "node:fs/promises";
    import { syncBuiltinESMExports } from "node:module";
    const { readFile } = fs;
    fs.readFile = async (path, ...rest) =>
      String(path).endsWith("${name}") ? ${returned} : readFile(path, ...rest);
    syncBuiltinESMExports();`;
}

/** The outputs that the README shows, without the times of day. */
async function outputsInReadme(): Promise<string[][]> {
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  return [...readme.matchAll(/^```text\n([\s\S]*?)\n```/gm)].map(([, output = ""]) =>
    output.split("\n").map((line) => line.replace(/^\d\d:\d\d:\d\d {2}/, "")),
  );
}
