// Packs every public package as npm would publish it, for the checks that look at what users get.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Makes an empty temporary folder that goes away with this process. */
export function temporaryFolder(label) {
  const folder = mkdtempSync(join(tmpdir(), `workerkit-${label}-`));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Packs all public packages; each with its name, tarball, unpacked folder and source folder. */
export function packAll() {
  const destination = temporaryFolder("pack");
  return publicPackages().map(({ name, source }) => {
    const args = ["pack", "--pack-destination", destination, "--json"];
    const { filename } = JSON.parse(execFileSync("pnpm", args, { cwd: source, encoding: "utf8" }));
    const tarball = filename.startsWith(destination) ? filename : join(destination, filename);
    const unpacked = join(destination, name);
    mkdirSync(unpacked);
    execFileSync("tar", ["-xzf", tarball, "-C", unpacked, "--strip-components=1"]);
    return { name, source, tarball, unpacked };
  });
}

/** The folders of `packages/` that are published. */
export function publicPackages() {
  return readdirSync("packages")
    .map((name) => ({ name, source: join("packages", name) }))
    .filter(({ source }) => !readManifest(source).private);
}

export function readManifest(folder) {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
}

/** Every file below a folder, as paths relative to it. */
export function filesBelow(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

/** The entries a manifest exports, `.` first, without `./package.json`. */
export function entriesOf(manifest) {
  return Object.keys(manifest.exports).filter((entry) => entry !== "./package.json");
}
