// Compares the public API of every entry with its report in etc/api; `--update` writes the reports.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { devNull } from "node:os";
import { join, resolve } from "node:path";
import { Extractor, ExtractorConfig } from "@microsoft/api-extractor";
import { entriesOf, publicPackages, readManifest, temporaryFolder } from "./pack.mjs";

const update = process.argv.includes("--update");
const reports = resolve("etc/api");
const scratch = temporaryFolder("api");
mkdirSync(reports, { recursive: true });

const problems = [];
const expected = publicPackages().flatMap(({ name, source }) => {
  const manifest = readManifest(source);
  return entriesOf(manifest).map((entry) => {
    const report = [name, ...entry.split("/").slice(1)].join(".");
    const types = join(source, manifest.exports[entry].types);
    if (!existsSync(types)) problems.push(`${report}: ${types} is missing: npm run build`);
    else if (!extract(source, types, report)) problems.push(`${report}: changed\n${diff(report)}`);
    return `${report}.api.md`;
  });
});
for (const file of readdirSync(reports)) {
  if (!expected.includes(file)) problems.push(`${file}: reports an entry that is gone: remove it`);
}
for (const problem of problems) console.error(problem);
if (problems.length > 0 && !update) console.error("`npm run api` writes the reports anew.");
if (problems.length === 0) console.log(`${expected.length} entries`);
process.exitCode = problems.length > 0 ? 1 : 0;

/** Writes or compares one report; false if it differs. */
function extract(source, types, report) {
  const folder = resolve(source);
  const quiet = { logLevel: "none" };
  const config = ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: join(folder, "package.json"),
    configObject: {
      projectFolder: folder,
      mainEntryPointFilePath: resolve(types),
      compiler: { overrideTsconfig: tsconfig(folder) },
      apiReport: {
        enabled: true,
        reportFileName: `${report}.api.md`,
        reportFolder: reports,
        reportTempFolder: scratch,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      newlineKind: "lf",
      messages: {
        compilerMessageReporting: { default: { logLevel: "error" } },
        extractorMessageReporting: {
          default: { logLevel: "none", addToApiReportFile: true },
          "ae-missing-release-tag": quiet,
          "ae-undocumented": quiet,
        },
        tsdocMessageReporting: { default: quiet },
      },
    },
  });
  const { apiReportChanged, succeeded } = Extractor.invoke(config, {
    localBuild: update,
    showVerboseMessages: false,
    messageCallback(message) {
      message.handled = true;
      if (message.logLevel === "error") console.error(message.text);
    },
  });
  return update ? succeeded : succeeded && !apiReportChanged;
}

/** What differs between the report that stands and the one just made. */
function diff(report) {
  const file = `${report}.api.md`;
  const old = existsSync(join(reports, file)) ? join(reports, file) : devNull;
  const args = ["diff", "--no-index", "--no-color", "-U1", old, join(scratch, file)];
  return spawnSync("git", args, { encoding: "utf8" }).stdout;
}

function tsconfig(folder) {
  return {
    extends: resolve("tsconfig.base.json"),
    compilerOptions: { noEmit: true, rootDir: folder },
    include: [join(folder, "dist")],
  };
}
