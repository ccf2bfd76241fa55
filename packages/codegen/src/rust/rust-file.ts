/** How every generated Rust file begins. */
import { generatedMark } from "../dialect.ts";

const imports = "use spacetimedb_sdk::__codegen::{self as __sdk, __lib, __sats, __ws};\n";

export const rustFile = (body: string): string =>
  `${generatedMark}\n\n#![allow(unused, clippy::all, non_camel_case_types, non_snake_case)]\n${imports}\n${body}`;
