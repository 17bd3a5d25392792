// Checks what each package would publish: manifest, files, types, and how Node and bundlers resolve it.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { filesBelow, packAll, readManifest } from "./pack.mjs";

const packed = packAll();
const problems = packed.flatMap((pack) => [
  ...manifestProblems(pack),
  ...fileProblems(pack),
  ...toolProblems(pack, "publint", ["--strict", pack.tarball]),
  ...toolProblems(pack, "attw", ["--profile", "esm-only", "--no-emoji", pack.tarball]),
]);
for (const problem of problems) console.error(problem);
if (problems.length === 0) console.log(`${packed.length} packages`);
process.exitCode = problems.length > 0 ? 1 : 0;

function manifestProblems({ name, unpacked }) {
  const manifest = readManifest(unpacked);
  const text = JSON.stringify(manifest);
  const expected = {
    name: `@workerkit/${name}`,
    license: "MIT",
    type: "module",
    sideEffects: false,
    engines: { node: ">=20.19" },
    repository: {
      type: "git",
      url: "git+https://github.com/workerkit/workerkit.git",
      directory: `packages/${name}`,
    },
  };
  return [
    ...Object.entries(expected)
      .filter(([key, value]) => JSON.stringify(manifest[key]) !== JSON.stringify(value))
      .map(([key, value]) => `${name}: package.json "${key}" should be ${JSON.stringify(value)}`),
    ...["description", "keywords", "homepage"]
      .filter((key) => !manifest[key]?.length)
      .map((key) => `${name}: package.json lacks "${key}"`),
    ...["@workerkit/source", "workspace:", "catalog:"]
      .filter((leak) => text.includes(leak))
      .map((leak) => `${name}: "${leak}" would be published in package.json`),
  ];
}

function fileProblems({ name, source, unpacked }) {
  const files = filesBelow(unpacked);
  const allowed = /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|dist\/.+\.(js|d\.ts))$/;
  return [
    ...["README.md", "LICENSE", "dist/index.js", "dist/index.d.ts"]
      .filter((file) => !files.includes(file))
      .map((file) => `${name}: ${file} is missing from the package`),
    ...files
      .filter((file) => !allowed.test(file) || /(^|[./])(test|spec|bench)([./]|$)/.test(file))
      .map((file) => `${name}: ${file} does not belong in the package`),
    ...files
      .filter((file) => /^dist\/.+\.d\.ts$/.test(file))
      .map((file) => file.replace("dist/", "src/").replace(/\.d\.ts$/, ".ts"))
      .filter((file) => !existsSync(join(source, file)))
      .map((file) => `${name}: dist holds what was built from ${file}, which is gone: remove dist`),
    ...files
      .filter((file) => file.endsWith(".js"))
      .filter((file) => / = class _\w/.test(readFileSync(join(unpacked, file), "utf8")))
      .map((file) => `${name}: ${file} renames a class that names itself, which logs would show`),
  ];
}

function toolProblems({ name }, tool, args) {
  const { status, stdout, stderr } = spawnSync(tool, args, { encoding: "utf8" });
  return status === 0 ? [] : [`${name}: ${tool}\n${stdout}${stderr}`];
}
