/**
 * Builds the Rust modules of `modules/rust` and `modules/rust-1.11` into `modules/rust/built/NAME.wasm`, after it has respelled the
 * showcase for other versions.
 *
 * Plain JavaScript for Node 18 and later. Does nothing when the sources are as they were at the last build,
 * and says so and succeeds when the machine has no Rust: what needs the modules is then skipped by name.
 * With `--install` (continuous integration) it first installs what is missing, as root, and failing is an error.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { respell } from "./respell-showcase.mjs";
import { digestOf, filesIn } from "./rust-sources.mjs";
import { root } from "./setup.mjs";

const modules = join(root, "modules", "rust");
const before = join(root, "modules", "rust-1.11");
const built = join(modules, "built");
const target = process.env["CARGO_TARGET_DIR"] ?? join(modules, "target");
const script = join(root, "scripts", "rust-wasm");
const install = process.argv.includes("--install");

const showcase = join(modules, "showcase", "src");
respell(showcase, join(modules, "showcase2", "src"), "2.10");
respell(showcase, join(before, "showcase11", "src"), "1.11");
const workspaces = [modules, before].map((folder) => ({ folder, names: membersOf(folder) }));
const names = workspaces.flatMap((each) => each.names);
/** Programs that are another with a feature: `harbor2b` is `harbor2` with `b`. */
const variants = Object.entries({ harbor: "bc", harbor2: "bcdem" }).flatMap(([of, features]) =>
  features.split("").map((feature) => ({ name: `${of}${feature}`, of, feature })),
);
const programs = [...names, ...variants.map(({ name }) => name)];
const digest = digestOf([
  script,
  ...workspaces.flatMap((each) => [
    join(each.folder, "Cargo.toml"),
    join(each.folder, "Cargo.lock"),
    ...each.names.flatMap((name) => filesIn(join(each.folder, name))),
  ]),
]);
const digestFile = join(built, "sources.sha256");

if (
  programs.every((name) => existsSync(join(built, `${name}.wasm`))) &&
  existsSync(digestFile) &&
  readFileSync(digestFile, "utf8") === digest
) {
  console.log(`rust modules: ${programs.length} up to date`);
} else if (install) {
  if (!run([script, "--install"]) || !build()) process.exit(1);
} else if (hasRust()) {
  if (!build()) process.exit(1);
} else {
  console.log(
    "rust modules: skipped, since this machine has no Rust for wasm32-unknown-unknown (scripts/rust-wasm --install gets it)",
  );
}

function build() {
  mkdirSync(built, { recursive: true });
  // The plain programs come last: a variant is built under the name of the program that it is one of.
  const ok =
    variants.every(({ name, of, feature }) => cargo(modules, ["-p", of, "--features", feature]) && keep(of, name)) &&
    workspaces.every((each) => cargo(each.folder, []) && each.names.every((name) => keep(name, name)));
  if (!ok) {
    console.error("rust modules: the build failed");
    return false;
  }
  writeFileSync(digestFile, digest);
  console.log(`rust modules: built ${programs.join(", ")}`);
  return true;
}

function cargo(folder, args) {
  return run([script, folder, "--locked", ...args], { CARGO_TARGET_DIR: target });
}

function keep(crate, name) {
  const file = join(target, "wasm32-unknown-unknown", "release", `${crate.replaceAll("-", "_")}.wasm`);
  copyFileSync(file, join(built, `${name}.wasm`));
  return true;
}

function membersOf(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(folder, entry.name, "Cargo.toml")))
    .map((entry) => entry.name)
    .sort();
}

/** Whether a build can start without installing anything. */
function hasRust() {
  const answer = spawnSync("bash", [script, "--check"], { stdio: "ignore" });
  return answer.status === 0;
}

function run(args, env = {}) {
  // The script prints paths to standard output; only what cargo says (standard error) is for the reader.
  return (
    spawnSync("bash", args, { stdio: ["ignore", "ignore", "inherit"], env: { ...process.env, ...env } }).status === 0
  );
}
