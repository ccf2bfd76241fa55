/**
 * Builds a Rust module with cargo for `wasm32-unknown-unknown`.
 *
 * Where the compiler has the target, it is used. Debian packages the compiler without the target's standard library:
 * there the library is built from its source along with the module.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { CliFailure } from "../failure.ts";
import { note, print } from "../terminal.ts";
import { rustPrints } from "./rust-prints.ts";
import type { Program } from "./build-module.ts";

const target = "wasm32-unknown-unknown";

interface RustTools {
  readonly cargo: string;
  readonly env: NodeJS.ProcessEnv;
}

export interface RustOptions {
  readonly isDebug: boolean;
  readonly features: string | undefined;
  readonly lintDir: string;
}

/** @throws {CliFailure} when there is no compiler for the target, or cargo fails (its messages are shown) */
export async function buildRust(path: string, options: RustOptions): Promise<Program> {
  const tools = findTools();
  const prints = rustPrints(path, options.lintDir);
  if (prints.length > 0)
    note(
      `These print to nobody, since a module has no output; log::info! writes to its log:\n  ${prints.join("\n  ")}`,
    );
  print("Building...");
  const file = await runCargo(tools, path, options);
  return { bytes: readFileSync(file), hostType: "Wasm", path: file };
}

function findTools(): RustTools {
  const cargoHome = process.env["CARGO_HOME"] ?? join(homedir(), ".cargo");
  const PATH = `${process.env["PATH"] ?? ""}${delimiter}${join(cargoHome, "bin")}`;
  const compiler = process.env["RUSTC"] ?? "rustc";
  const asked = spawnSync(compiler, ["--print", "sysroot"], { env: { ...process.env, PATH } });
  if (asked.status === 0 && existsSync(join(asked.stdout.toString().trim(), "lib/rustlib", target, "lib")))
    return { cargo: "cargo", env: { PATH } };
  const linker = existsSync("/usr/bin")
    ? readdirSync("/usr/bin")
        .filter((name) => name.startsWith("wasm-ld"))
        .sort()
        .at(-1)
    : undefined;
  const hasSource = existsSync("/usr/lib/rustlib/src/rust/library/Cargo.lock");
  if (linker !== undefined && hasSource && existsSync("/usr/bin/cargo")) {
    return {
      cargo: "/usr/bin/cargo",
      env: {
        PATH,
        RUSTC: "/usr/bin/rustc",
        RUSTC_BOOTSTRAP: "1",
        CARGO_UNSTABLE_BUILD_STD: "std,panic_abort",
        CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER: `/usr/bin/${linker}`,
      },
    };
  }
  throw new CliFailure("Rust modules need cargo and the target wasm32-unknown-unknown, which are not on this machine", {
    hint: `Install Rust (https://rustup.rs), then: rustup target add ${target}. On Debian: apt install rustc-web cargo-web rust-web-src lld`,
  });
}

function runCargo({ cargo, env }: RustTools, path: string, options: RustOptions): Promise<string> {
  const args = ["build", "--target", target, "--message-format=json-render-diagnostics"];
  if (!options.isDebug) args.push("--release");
  if (options.features !== undefined) args.push("--features", options.features);
  const child = spawn(cargo, args, {
    cwd: path,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let messages = "";
  child.stdout.on("data", (chunk: Buffer) => (messages += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.once("error", (cause) => reject(new CliFailure(`${cargo} did not start`, { cause })));
    child.once("close", (code) => {
      const file = wasmOf(messages, path);
      if (code !== 0) reject(new CliFailure("cargo could not build the module; its messages are above"));
      else if (file === undefined)
        reject(
          new CliFailure("cargo built no .wasm file", { hint: 'Cargo.toml needs [lib] crate-type = ["cdylib"].' }),
        );
      else resolve(file);
    });
  });
}

/** The `.wasm` file of the package in `path`, the last that cargo tells of. */
function wasmOf(messages: string, path: string): string | undefined {
  let last: string | undefined;
  for (const line of messages.split("\n")) {
    if (!line.includes(".wasm")) continue;
    const message: { filenames?: readonly string[]; manifest_path?: string } = JSON.parse(line);
    const file = message.filenames?.find((name) => name.endsWith(".wasm"));
    if (file === undefined) continue;
    last = file;
    if (message.manifest_path === join(path, "Cargo.toml")) return file;
  }
  return last;
}
