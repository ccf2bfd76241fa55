/**
 * Builds the Rust clients of `conformance/rust-clients` into its `built/`, after it has written their bindings.
 *
 * Plain JavaScript for Node 18 and later. Does nothing when the sources are as they were at the last build, and says so and
 * succeeds when the machine lacks what they need: what runs them is then skipped by name. With `--install` (continuous
 * integration) it first installs what is missing, as root, and failing is an error.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { digestOf, filesIn } from "./rust-sources.mjs";
import { ensureInstalled, findNode, root } from "./setup.mjs";

const workspace = join(root, "conformance", "rust-clients");
const built = join(workspace, "built");
const target = process.env["CARGO_TARGET_DIR"] ?? join(workspace, "target");
const programs = ["one", "two"];
/** A C compiler and OpenSSL's headers: the official crate speaks TLS by them. */
const packages = ["rustc-web", "cargo-web", "gcc", "libc6-dev", "pkg-config", "libssl-dev"];
const install = process.argv.includes("--install");

ensureInstalled();
const bindings = spawnSync(findNode(), [join(root, "scripts", "write-rust-bindings.ts")], { stdio: "inherit" });
if (bindings.status !== 0) process.exit(1);

const manifests = ["Cargo.toml", "Cargo.lock", "words.rs"].map((name) => join(workspace, name));
const digest = digestOf([...manifests, ...programs.flatMap((name) => filesIn(join(workspace, name)))]);
const digestFile = join(built, "sources.sha256");

if (
  programs.every((name) => existsSync(join(built, name))) &&
  existsSync(digestFile) &&
  readFileSync(digestFile, "utf8") === digest
) {
  console.log(`rust clients: ${programs.length} up to date`);
} else {
  if (install && !hasAll()) {
    spawnSync("apt-get", ["update", "-qq"], { stdio: ["ignore", 2, "inherit"] });
    spawnSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...packages], {
      stdio: ["ignore", 2, "inherit"],
    });
  }
  const cargo = cargoFound();
  if (cargo !== undefined && hasAll()) build(cargo);
  else {
    console.log(
      `rust clients: skipped, since this machine lacks cargo or the packages ${packages.slice(2).join(", ")}`,
    );
    if (install) process.exit(1);
  }
}

function build({ command, env }) {
  const args = ["build", "--locked", "--quiet"];
  const options = { cwd: workspace, stdio: ["ignore", 2, "inherit"] };
  const ran = spawnSync(command, args, { ...options, env: { ...process.env, ...env, CARGO_TARGET_DIR: target } });
  if (ran.status !== 0) {
    console.error("rust clients: the build failed");
    process.exit(1);
  }
  mkdirSync(built, { recursive: true });
  for (const name of programs) copyFileSync(join(target, "debug", name), join(built, name));
  writeFileSync(digestFile, digest);
  console.log(`rust clients: built ${programs.join(", ")}`);
}

/** Debian's, which is new enough, or the one in the path. */
function cargoFound() {
  const debian = "/usr/bin/cargo";
  if (existsSync(debian)) return { command: debian, env: { RUSTC: join(dirname(debian), "rustc") } };
  return runs("cargo", ["--version"]) ? { command: "cargo", env: {} } : undefined;
}

function hasAll() {
  return cargoFound() !== undefined && runs("cc", ["--version"]) && runs("pkg-config", ["--exists", "openssl"]);
}

function runs(command, args) {
  return spawnSync(command, args, { stdio: "ignore" }).status === 0;
}
