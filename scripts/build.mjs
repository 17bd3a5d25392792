// Builds the package in the current folder: type-checks and compiles it, then leaves out of dist what
// users would only download: comments of the JavaScript (declarations keep theirs) and declarations
// that no entry leads to.
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { transformSync } from "esbuild";
import { entriesOf, filesBelow, readManifest } from "./pack.mjs";

rmSync("dist", { recursive: true, force: true });
const { status } = spawnSync("tsc", ["-p", "tsconfig.build.json"], {
  stdio: "inherit",
  shell: process.platform === "win32",
});
if (status !== 0) process.exit(status ?? 1);

const files = filesBelow("dist").map((file) => join("dist", file));
for (const file of files.filter((name) => name.endsWith(".js"))) {
  const { code } = transformSync(readFileSync(file, "utf8"), { format: "esm", target: "node20" });
  writeFileSync(file, code);
}

const manifest = readManifest(".");
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
