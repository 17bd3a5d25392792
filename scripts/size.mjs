// Measures every package against scripts/sizes.json: kB unpacked, and kB of each entry minified and
// gzipped without what it imports from other packages. 1 kB is 1000 bytes.
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { buildSync } from "esbuild";
import { entriesOf, filesBelow, packAll, readManifest } from "./pack.mjs";

const budgets = JSON.parse(readFileSync(new URL("sizes.json", import.meta.url), "utf8"));
const lines = packAll().flatMap(({ name, unpacked }) => {
  const bytes = filesBelow(unpacked).map((file) => statSync(join(unpacked, file)).size);
  const manifest = readManifest(unpacked);
  return [
    line(
      name,
      "unpacked",
      bytes.reduce((sum, size) => sum + size, 0),
    ),
    ...entriesOf(manifest).map((entry) =>
      line(name, entry, gzipped(join(unpacked, manifest.exports[entry].default))),
    ),
  ];
});
for (const { text } of lines) console.log(text);
process.exitCode = lines.every(({ fits }) => fits) ? 0 : 1;

function gzipped(file) {
  const { outputFiles } = buildSync({
    entryPoints: [file],
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    minify: true,
    write: false,
  });
  return gzipSync(outputFiles[0].contents, { level: 9 }).length;
}

function line(name, what, bytes) {
  const size = Math.round(bytes / 100) / 10;
  const budget = budgets[name]?.[what];
  const fits = budget !== undefined && size < budget;
  const verdict = fits ? `of ${budget}` : budget === undefined ? "has no budget" : `OVER ${budget}`;
  return { fits, text: `${name} ${what}: ${size} kB ${verdict}` };
}
