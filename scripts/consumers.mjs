// Installs the packed packages into an empty folder and compiles the programs of scripts/consumers
// there under several releases of TypeScript, library checks on, as a user would.
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { packAll, readManifest, temporaryFolder } from "./pack.mjs";

const releases = ["5.6", "5.9", "6.0", "7.0"];
const resolutions = [
  { module: "nodenext", moduleResolution: "nodenext" },
  { module: "esnext", moduleResolution: "bundler" },
];

const folder = temporaryFolder("consumers");
cpSync("scripts/consumers", join(folder, "src"), { recursive: true });
writeFileSync(join(folder, "package.json"), '{ "private": true, "type": "module" }\n');
const packed = packAll();
install([
  ...packed.map(({ tarball }) => tarball),
  ...peersOf(packed),
  `@types/node@${readManifest("node_modules/@types/node").version}`,
  ...releases.map((release) => `typescript-${release}@npm:typescript@~${release}.0`),
]);

let failed = false;
for (const release of releases) {
  for (const resolution of resolutions) {
    const output = compile(release, resolution);
    if (output === undefined) continue;
    failed = true;
    console.error(`TypeScript ${release}, ${resolution.moduleResolution}:\n${output}`);
  }
}
if (!failed) console.log(`TypeScript ${releases.join(", ")}`);
process.exitCode = failed ? 1 : 0;

/** Compiles every program; returns what the compiler said if it failed. */
function compile(release, resolution) {
  const compilerOptions = {
    ...resolution,
    target: "es2022",
    lib: ["es2023"],
    types: ["node"],
    strict: true,
    skipLibCheck: false,
    noEmit: true,
  };
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({ compilerOptions, include: ["src"] }),
  );
  const compiler = join(folder, "node_modules", `typescript-${release}`, "bin", "tsc");
  const args = [compiler, "-p", folder, "--pretty", "false"];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  return status === 0 ? undefined : `${stdout}${stderr}`;
}

/** npm installs peers by itself; types of them that a user would add stand here. */
function peersOf(packages) {
  return packages.some(({ name }) => name === "ops-koa") ? ["@types/koa@^3"] : [];
}

function install(specifiers) {
  const flags = ["--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"];
  execFileSync("npm", ["install", ...flags, ...specifiers], { cwd: folder, stdio: "pipe" });
}
