/**
 * The compiled Rust modules, if this machine has built them.
 *
 * `node scripts/build-rust-modules.mjs` builds them; without Rust they are absent and their suites are skipped by name.
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

export type RustModuleName =
  | "bank"
  | "chat"
  | "chat-trace"
  | "errands"
  | "errands2"
  | "harbor"
  | "harborb"
  | "harborc"
  | "harbor2"
  | "harbor2b"
  | "harbor2c"
  | "harbor2d"
  | "harbor2e"
  | "harbor2m"
  | "showcase"
  | "showcase11"
  | "showcase2";

/** The path of a module's `.wasm` file, undefined when it is not built. */
export function rustModule(name: RustModuleName): string | undefined {
  const path = fileURLToPath(new URL(`../../modules/rust/built/${name}.wasm`, import.meta.url));
  return existsSync(path) ? path : undefined;
}
