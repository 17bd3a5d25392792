// Checks that packages know only packages below them, through their public entries.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { pathToFileURL } from "node:url";

const everything = ["commands", "lifecycle", "limits", "retry", "contracts"];

/**
 * Who may import whom, from the bottom up. "types:x" allows type imports only; "x/entry" allows values
 * from that entry only, and types from all of x.
 */
export const mayImport = {
  contracts: [],
  retry: ["contracts"],
  limits: ["contracts"],
  lifecycle: ["contracts", "retry", "limits"],
  commands: ["contracts", "retry", "limits", "lifecycle/extension"],
  "observe-pino": ["contracts", "types:lifecycle", "types:commands"],
  "observe-otel": ["contracts", "types:lifecycle", "types:commands"],
  "ops-koa": ["contracts", "lifecycle", "commands"],
  testing: ["contracts", "lifecycle", "commands"],
  all: [...everything, "observe-pino", "observe-otel", "ops-koa", "testing"],
  examples: [...everything, "observe-pino", "observe-otel", "ops-koa", "testing", "all"],
  bench: [...everything, "observe-pino", "observe-otel", "ops-koa", "testing", "all"],
};

/** Returns one sentence for each arrow of the repository at `root` that points the wrong way. */
export function graphProblems(root) {
  return folders(root).flatMap(({ name, folder }) => {
    const allowed = mayImport[name];
    if (!allowed) return [`${name}: add it to the table in scripts/graph.mjs`];
    const at = (file) => relative(root, file).split(sep).join("/");
    return [
      ...declared(folder)
        .filter((other) => !allowed.some((entry) => packageOf(entry) === other))
        .map((other) => `${at(join(folder, "package.json"))}: ${name} may not depend on ${other}`),
      ...sources(folder).flatMap((file) =>
        imports(readFileSync(file, "utf8"))
          .map((found) => importProblem(found, { name, folder, file, allowed }))
          .filter((problem) => problem !== undefined)
          .map((problem) => `${at(file)}: ${problem}`),
      ),
    ];
  });
}

function folders(root) {
  const inside = (parent) =>
    existsSync(join(root, parent))
      ? readdirSync(join(root, parent)).map((name) => ({ name, folder: join(root, parent, name) }))
      : [];
  return [
    ...inside("packages"),
    ...inside("apps"),
    { name: "bench", folder: join(root, "bench") },
  ].filter(({ folder }) => existsSync(join(folder, "package.json")));
}

/** The workspace packages that a manifest names, in whatever list. */
function declared(folder) {
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const { dependencies, devDependencies, peerDependencies, optionalDependencies } = manifest;
  return Object.keys({
    ...dependencies,
    ...devDependencies,
    ...peerDependencies,
    ...optionalDependencies,
  })
    .filter((dependency) => dependency.startsWith("@workerkit/"))
    .map((dependency) => dependency.slice("@workerkit/".length));
}

function sources(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === "node_modules" || entry.name === "dist") return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    return /\.(ts|mts|js|mjs)$/.test(entry.name) ? [path] : [];
  });
}

/** Every module that a text imports or re-exports, and whether only for its types. */
function imports(text) {
  const statements =
    /^[ \t]*(?:import|export)\b(?<what>[^;"'`]*?)\bfrom\s*["'](?<from>[^"']+)["']/gm;
  const bare = /^[ \t]*import\s*["'](?<from>[^"']+)["']|\bimport\(\s*["'](?<called>[^"']+)["']/gm;
  return [
    ...[...text.matchAll(statements)].map(({ groups }) => ({
      from: groups.from,
      typeOnly:
        /^\s*type\b/.test(groups.what) || /^\s*\{(\s*type\s[^,}]+,?)+\s*\}\s*$/.test(groups.what),
    })),
    ...[...text.matchAll(bare)].map(({ groups }) => ({
      from: groups.from ?? groups.called,
      typeOnly: false,
    })),
  ];
}

function importProblem({ from, typeOnly }, { name, folder, file, allowed }) {
  if (from.startsWith(".")) {
    const target = resolve(dirname(file), from);
    if (target.startsWith(folder + sep)) return undefined;
    return `"${from}" reaches outside of ${name}`;
  }
  if (!from.startsWith("@workerkit/")) return undefined;
  const [other, ...entry] = from.slice("@workerkit/".length).split("/");
  if (entry[0] === "src" || entry[0] === "dist") return `"${from}" reaches inside of ${other}`;
  const rule = allowed.find((candidate) => packageOf(candidate) === other);
  if (other === name || rule === other) return undefined;
  if (rule === undefined) return `${name} may not import ${other}`;
  if (typeOnly || (!rule.startsWith("types:") && rule === [other, ...entry].join("/")))
    return undefined;
  return `${name} may import only ${rule.startsWith("types:") ? "types" : `values of ${rule}`} from ${other}`;
}

function packageOf(rule) {
  return rule.replace("types:", "").split("/")[0];
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const problems = graphProblems(process.cwd());
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
