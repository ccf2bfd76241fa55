/** Programs and their descriptions, as a publisher sends them. */
import { readFileSync } from "node:fs";
import { loadWasmModule } from "@lightcone/host-wasm";
import { encodeRawV10, encodeRawV9, checkModule, decodeModuleDef, serveSchema } from "@lightcone/schema";
import { fleet, fleetV9 } from "../../../packages/schema/src/testing/module-parts.ts";
import { endingsProgram } from "../database/endings-guest.ts";
import { returningProgram } from "../database/returning-guest.ts";
import { rustModule } from "../rust-modules.ts";
import { isRefusal, type Target } from "./target.ts";

const refusals = ["SchemaInvalid", "ModuleInvalid", "Malformed", "TooDeep", "LimitExceeded", "NewerFormat"];

/** From its bytes to what everything downstream relies on; what is taken is served, too. */
export const descriptions: Target = {
  seeds: () => [encodeRawV10(fleet), encodeRawV9(fleetV9)],
  open: async () => ({
    feed(input) {
      try {
        const def = checkModule(decodeModuleDef(input));
        serveSchema(def, "10");
      } catch (error) {
        if (!isRefusal(error, refusals)) throw error;
      }
    },
    check: () => undefined,
    close: () => undefined,
  }),
};

/** WebAssembly as it is read, checked and compiled. None of it runs. */
export const programs: Target = {
  seeds() {
    const chat = rustModule("chat");
    const rust = chat === undefined ? [] : [readFileSync(chat).subarray(0, 200_000)];
    return [endingsProgram(), returningProgram, ...rust];
  },
  open: async () => ({
    feed(input) {
      try {
        loadWasmModule(Uint8Array.from(input), { memoryPagesMax: 256 });
      } catch (error) {
        if (!isRefusal(error, refusals)) throw error;
      }
    },
    check: () => undefined,
    close: () => undefined,
  }),
};
