import { tmpdir } from "node:os";
import { createFakeClock } from "@workerkit/contracts/fake-clock";
import { describe, expect, it } from "vitest";
import { changesBetween } from "../changes.ts";
import { readArguments, readConfig } from "../config.ts";
import { tellReport } from "../narrate.ts";
import { counted, listed, sayTo, shown } from "../say.ts";

describe("what it is told", () => {
  it.each([
    [[], { once: false }],
    [["--once"], { once: true }],
    [["--twice"], undefined],
    [["--once", "now"], undefined],
    [[""], undefined],
  ])("reads the arguments %j", (args, read) => {
    expect(readArguments(args)).toEqual(read);
  });

  it("looks after this repository every 5 s by default, also where a variable is empty", () => {
    const config = readConfig({ DOCS_DIR: "", RESCAN_MS: "" });
    expect(config).toEqual(readConfig({}));
    expect(config.rescanMs).toBe(5_000);
    expect(import.meta.dirname.startsWith(config.docsDir)).toBe(true);
  });

  it("takes a folder and a time", () => {
    const config = { docsDir: tmpdir(), rescanMs: 250 };
    expect(readConfig({ DOCS_DIR: tmpdir(), RESCAN_MS: "250" })).toEqual(config);
  });

  it.each(["soon", "9", "0", "-5000", "1.5", "Infinity", "5 s", " "])(
    "refuses the time %j",
    (given) => {
      const message = `RESCAN_MS must be a whole number of milliseconds, 10 or more, got "${given}"`;
      expect(() => readConfig({ RESCAN_MS: given })).toThrow(message);
    },
  );

  it.each([
    ["/no/such/folder", "ENOENT"],
    [import.meta.filename, "ENOTDIR"],
  ])("refuses the folder %j", (given, code) => {
    const message = `DOCS_DIR must be a folder that can be read, got "${given}" (${code})`;
    expect(() => readConfig({ DOCS_DIR: given })).toThrow(message);
  });
});

describe("what it says", () => {
  it("aligns lines, with the time of day", () => {
    const lines: string[] = [];
    const say = sayTo((line) => lines.push(line), createFakeClock());
    say("files", "running");
    say("docsearch", "ready");
    expect(lines.map((line) => line.replace(/^\d\d:\d\d:\d\d/, "time"))).toEqual([
      "time  files      running",
      "time  docsearch  ready",
    ]);
  });

  it("counts things", () => {
    expect([0, 1, 1_234].map((count) => counted(count, "file"))).toEqual([
      "0 files",
      "1 file",
      "1,234 files",
    ]);
  });

  it("shortens the place of a package, and no other", () => {
    expect(shown("docs/guide.md")).toBe("docs/guide.md");
    expect(shown("node_modules/.pnpm/a@1.0.0/node_modules/a/README.md")).toBe("a@1.0.0/README.md");
    expect(shown("../node_modules/.pnpm/@s+b@2.0.0/node_modules/@s/b/r.md")).toBe(
      "@s+b@2.0.0/r.md",
    );
    expect(shown("app/node_modules/c/README.md")).toBe("c/README.md");
  });

  it("lists three names and counts the others", () => {
    expect(listed(["a", "b", "c"])).toBe("a, b, c");
    expect(listed(["a", "b", "c", "d", "e"])).toBe("a, b, c and 2 more");
  });

  it("tells how each worker ended, and names what was left behind", () => {
    const lines: string[] = [];
    const abandoned = [{ label: "index a.md", ageMs: 12_340 }];
    const clean = {
      outcome: "stopped",
      drainMs: 1.4,
      stopMs: 2,
      aborted: 0,
      abandoned: [],
    } as const;
    const hung = { outcome: "failed", drainMs: 9_000, stopMs: 30, aborted: 2, abandoned } as const;
    const workers = [
      { worker: "stats", ...clean },
      { worker: "indexer", ...hung },
    ];
    tellReport({ durationMs: 9_100, workers }, (who, what) => lines.push(`${who}: ${what}`));
    expect(lines).toEqual([
      "stats: drained in 1 ms, stopped in 2 ms, 0 aborted, 0 left behind",
      "indexer: drained in 9000 ms, failed in 30 ms, 2 aborted, left behind: index a.md (for 12.3 s)",
    ]);
  });
});

it("compares two looks at the files", () => {
  const before = new Map([
    ["same", "1"],
    ["changed", "1"],
    ["gone", "1"],
  ]);
  const after = new Map([
    ["changed", "2"],
    ["new", "1"],
    ["same", "1"],
  ]);
  const changes = { added: ["new"], changed: ["changed"], removed: ["gone"] };
  expect(changesBetween(before, after)).toEqual(changes);
});
