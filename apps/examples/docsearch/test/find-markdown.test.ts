// A real folder: how links, modules and what cannot be read look there is what this is about.

import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { findMarkdown } from "../find-markdown.ts";

// No disk can be made to be short of file handles at a test's wish.
vi.mock(import("node:fs/promises"), async (importOriginal) => {
  const real = await importOriginal();
  const stat = async (path: string) => {
    if (path.endsWith("busy.md")) throw Object.assign(new Error("EMFILE"), { code: "EMFILE" });
    return real.stat(path);
  };
  return { ...real, stat: stat as typeof real.stat };
});

let root = "";

beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), "docsearch-")));
});

afterEach(() => rm(root, { recursive: true }));

async function write(...names: readonly string[]): Promise<void> {
  for (const name of names) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), name);
  }
}

async function link(name: string, target: string): Promise<void> {
  await mkdir(dirname(join(root, name)), { recursive: true });
  await symlink(target, join(root, name));
}

async function find(folder = root) {
  const { files, unreadable } = await findMarkdown(folder, new AbortController().signal);
  return { names: [...files.keys()], files, unreadable };
}

it("finds Markdown at any depth, in the order of the names", async () => {
  await write("b.md", "a/c.markdown", "a/deep/d.MD", "a/e.txt", "README", "z.md");
  expect((await find()).names).toEqual(["a/c.markdown", "a/deep/d.MD", "b.md", "z.md"]);
});

it("passes by hidden folders, and folders that are called like files", async () => {
  await write(".git/a.md", ".cache/b.md", "folder.md/c.txt", ".hidden.md");
  expect((await find()).names).toEqual([".hidden.md"]);
});

it("takes of a package that is installed its README only, and of its own packages too", async () => {
  await write(
    "node_modules/a/README.md",
    "node_modules/a/CHANGELOG.md",
    "node_modules/a/docs/README.md",
    "node_modules/a/node_modules/b/readme.markdown",
    "node_modules/@scope/c/Readme.de.md",
    "node_modules/.cache/d/README.md",
    "node_modules/README.md",
  );
  expect((await find()).names).toEqual([
    "node_modules/@scope/c/Readme.de.md",
    "node_modules/a/README.md",
    "node_modules/a/node_modules/b/readme.markdown",
  ]);
});

it("meets each package of pnpm's store once, however many need it", async () => {
  const store = "node_modules/.pnpm";
  await write(
    `${store}/a@1.0.0/node_modules/a/README.md`,
    `${store}/@s+b@2.0.0/node_modules/@s/b/README.md`,
    `${store}/lock.yaml`,
  );
  await link("node_modules/a", ".pnpm/a@1.0.0/node_modules/a");
  await link("packages/p/node_modules/a", "../../../node_modules/.pnpm/a@1.0.0/node_modules/a");
  await link(`${store}/a@1.0.0/node_modules/@s/b`, "../../../@s+b@2.0.0/node_modules/@s/b");
  await link(`${store}/node_modules/a`, "../a@1.0.0/node_modules/a");
  const found = [
    `${store}/@s+b@2.0.0/node_modules/@s/b/README.md`,
    `${store}/a@1.0.0/node_modules/a/README.md`,
  ];
  expect((await find()).names).toEqual(found);
});

it("follows links out of the folder, to a package of the workspace and the store above", async () => {
  await write("node_modules/.pnpm/a@1/node_modules/a/README.md", "packages/p/README.md");
  await write("apps/app/notes.md");
  await link("apps/app/node_modules/p", "../../../packages/p");
  await link("apps/app/node_modules/a", "../../../node_modules/.pnpm/a@1/node_modules/a");
  expect((await find(join(root, "apps/app"))).names).toEqual([
    "../../node_modules/.pnpm/a@1/node_modules/a/README.md",
    "../../packages/p/README.md",
    "notes.md",
  ]);
});

it("is led in circles by no link, and meets a linked file once", async () => {
  await write("a/a.md");
  await link("a/back", "..");
  await link("a/self", ".");
  await link("again.md", "a/a.md");
  await link("nowhere.md", "gone.md");
  const { names, unreadable } = await find();
  expect(names).toEqual(["a/a.md"]);
  expect(unreadable.size).toBe(0);
});

it("names what cannot be read, and finds the rest", async () => {
  await write("a.md");
  await link("loop.md", "loop.md");
  const { names, unreadable } = await find();
  expect(names).toEqual(["a.md"]);
  expect([...unreadable]).toMatchObject([["loop.md", { code: "ELOOP" }]]);
});

it("gives a file another fingerprint when it is written again", async () => {
  await write("a.md", "b.md");
  const before = (await find()).files;
  await writeFile(join(root, "a.md"), "longer than before");
  const after = (await find()).files;
  expect(after.get("a.md")).not.toBe(before.get("a.md"));
  expect(after.get("b.md")).toBe(before.get("b.md"));
});

it("throws if the folder itself is gone", async () => {
  await expect(find(join(root, "gone"))).rejects.toThrow("ENOENT");
});

it("throws if the machine is short of something, so that no file is taken for gone", async () => {
  await write("a.md", "deep/busy.md");
  await expect(find()).rejects.toThrow("EMFILE");
});

it("ends early when its signal aborts", async () => {
  await write("a/a.md");
  const controller = new AbortController();
  const found = findMarkdown(root, controller.signal);
  controller.abort(new Error("enough"));
  await expect(found).rejects.toThrow("enough");
});
