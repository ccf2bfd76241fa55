/** What a program says it is: it is loaded, asked, and thrown away. */
import { LightconeError } from "@lightcone/base";
import { outsideMicrotasks } from "@lightcone/base/node";
import type { HostPort } from "@lightcone/host";
import { loadJsModule } from "@lightcone/host-js";
import { loadWasmModule } from "@lightcone/host-wasm";
import { checkModule, decodeModuleDef, type ModuleDef } from "@lightcone/schema";
import type { Program } from "./build-module.ts";

const limits = { memoryPagesMax: 4096 };

/** @throws {LightconeError} `ModuleInvalid`, `SchemaInvalid` */
export async function describeProgram(program: Program): Promise<ModuleDef> {
  return checkModule(decodeModuleDef(await descriptionOf(program)));
}

/** As the program gives it. @throws {LightconeError} `ModuleInvalid` */
export function descriptionOf({ bytes, hostType }: Pick<Program, "bytes" | "hostType">): Promise<Uint8Array> {
  const module =
    hostType === "Wasm"
      ? loadWasmModule(bytes, limits)
      : // The user's own code, in the user's own process: nothing to protect it from.
        loadJsModule(new TextDecoder().decode(bytes), limits, { sandbox: "vm" });
  return outsideMicrotasks(() => module.open(noDatabase).description);
}

/** A module that reaches for rows while it describes itself asks too early. */
const noDatabase = new Proxy({} as HostPort, {
  get(_target, name) {
    if (name === "log") return () => undefined;
    return () => {
      throw new LightconeError("ModuleInvalid", {
        reason: `it asks for \`${String(name)}\` while it is being described`,
      });
    };
  },
});
