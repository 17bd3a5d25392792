// Builds the package in the current folder: tsc checks it and writes its declarations, esbuild writes the JavaScript of each
// entry as one readable file, since many small files take most of the time of an import. What users would only download,
// comments and declarations that no entry leads to, is left out.
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { buildSync } from "esbuild";
import { entriesOf, filesBelow, readManifest } from "./pack.mjs";

rmSync("dist", { recursive: true, force: true });
const { status, error } = spawnSync("tsc", ["-p", "tsconfig.build.json", "--emitDeclarationOnly"], {
  stdio: "inherit",
  shell: process.platform === "win32",
});
if (error !== undefined) console.error(`tsc cannot be run: ${error.message}`);
if (status !== 0) process.exit(status ?? 1);

const manifest = readManifest(".");
const sources = entriesOf(manifest).map((entry) => manifest.exports[entry]["@workerkit/source"]);
buildSync({
  entryPoints: sources,
  outdir: "dist",
  bundle: true,
  splitting: true,
  chunkNames: "shared",
  packages: "external",
  format: "esm",
  platform: "node",
  target: "node20",
  legalComments: "none",
  logLevel: "warning",
});

const files = filesBelow("dist").map((file) => join("dist", file));
const reached = new Set();
for (const entry of entriesOf(manifest)) reach(join(manifest.exports[entry].types));
for (const file of files) if (file.endsWith(".d.ts") && !reached.has(file)) rmSync(file);

function reach(file) {
  if (reached.has(file)) return;
  reached.add(file);
  for (const [, path] of readFileSync(file, "utf8").matchAll(/["'](\.{1,2}\/[^"']+)\.ts["']/g)) {
    reach(join(dirname(file), `${path}.d.ts`));
  }
}
