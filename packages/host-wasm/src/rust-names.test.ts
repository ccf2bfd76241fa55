// Goal: a panic's trace reads as paths, and no name, however made, costs more than a bounded effort.
// Method: names that compilers wrote, a row each; then random ones, which must come back whole or readable.
import { assertProperty } from "@lightcone/base/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { readableRustName } from "./rust-names.ts";

test.each([
  ["_RNvMse_CslDeNyTg4eqv_10chat_traceNtB5_18identity_connected6invoke", "<chat_trace::identity_connected>::invoke"],
  ["_RNvCsfgHYwM92fyn_7___rustc17rust_begin_unwind", "__rustc::rust_begin_unwind"],
  ["_RNvNtCs6VDZWQTR7g_4core9panicking9panic_fmt", "core::panicking::panic_fmt"],
  ["_RNCNvNtCsa8wSWbKPDPi_3std9panicking13panic_handler0B5_", "std::panicking::panic_handler::{closure}"],
  [
    "_RINvNtNtCsa8wSWbKPDPi_3std3sys9backtrace26___rust_end_short_backtraceNCNvNtB6_9panicking13panic_handler0zEB6_",
    "std::sys::backtrace::__rust_end_short_backtrace",
  ],
  [
    "_RNvMs9_NtCs9DM0Eehecgu_11spacetimedb5tableINtB5_12UniqueColumnNtCsgKBcgzHYRRM_4bank20account__TableHandlemNtNtNvB10_s_1__9___indices2idE6updateB10_",
    "<spacetimedb::table::UniqueColumn>::update",
  ],
  [
    "_RNvYNvNtCs9DM0Eehecgu_11spacetimedb6logger10panic_hookINtNtNtCs6VDZWQTR7g_4core3ops8function2FnTRNtNtCsa8wSWbKPDPi_3std5panic13PanicHookInfoEE4callB6_",
    "<spacetimedb::logger::panic_hook as core::ops::function::Fn>::call",
  ],
  ["core::fmt::write::h0123456789abcdef", "core::fmt::write"],
  ["__call_reducer__", "__call_reducer__"],
  ["_R", "_R"],
  ["_RNv", "_RNv"],
  [`_R${"NvB_".repeat(40)}`, `_R${"NvB_".repeat(40)}`],
  [`_R${"Y".repeat(10_000)}`, `_R${"Y".repeat(10_000)}`],
])("%s", (name, readable) => {
  expect(readableRustName(name)).toBe(readable);
});

test("names from outside end in a text", () => {
  const letters = fc.constantFrom(...Array.from("NvCsMXYIBETASRQPOFDGUKLpu_0123456789abcz"));
  assertProperty(
    fc.property(fc.array(letters, { maxLength: 60 }), (name) => {
      expect(typeof readableRustName(`_R${name.join("")}`)).toBe("string");
    }),
    500,
  );
});
