/** What a guest asks of its host: any function with any arguments, in any order. */
import { hostFunctions } from "../../../packages/host-wasm/src/abi.ts";
import { bufferAt, GuestData, outAt, runScript, type ScriptRun, type Step } from "../wasm/guest-script.ts";
import type { HostFunctionName } from "@lightcone/host-wasm/testing";
import { isRefusal, type Target } from "./target.ts";

const names = Object.keys(hostFunctions).filter(
  (name) => !name.startsWith("procedure_sleep") && !name.startsWith("procedure_http"),
) as HostFunctionName[]; // the keys of that table
const rowHex = "0100000000000000 0200 02000000416c 07000000 0100";

/** The numbers that a byte of input stands for: places, handles and lengths that mean something, and such that do not. */
function numbers(data: GuestData): readonly number[] {
  const [table, tableLength] = data.put("item");
  const [row, rowLength] = data.put({ hex: rowHex });
  const [, lengthAt] = data.putWithLength({ hex: rowHex });
  return [
    ...[0, 1, 2, 3, 4, 8, 16, 255, 4096, 65_535, 65_536, -1, -2, -65_536, 0x7fff_ffff, -0x8000_0000],
    ...[table, tableLength, row, rowLength, lengthAt, outAt, outAt + 4, bufferAt, bufferAt + 65_536, 262_143, 262_144],
    ...[4096, 4097, 4098, 4099, 4100, 4101],
  ];
}

function stepsOf(input: Uint8Array, data: GuestData): readonly Step[] {
  const meant = numbers(data);
  const steps: Step[] = [];
  let at = 0;
  const next = (): number => input[at++] ?? 0;
  while (at < input.length && steps.length < 200) {
    const name = names[next() % names.length] ?? "console_timer_start";
    const { signature } = hostFunctions[name];
    const count = signature.slice(1, signature.indexOf(")")).split(",").filter(Boolean).length;
    steps.push([name, ...Array.from({ length: count }, () => meant[next() % meant.length] ?? 0)]);
  }
  return steps;
}

export const hostCalls: Target = {
  // A call of each function, with whatever arguments come of it.
  seeds: () => [
    Uint8Array.from(names.flatMap((_, name) => [name, 16, 17, 21, 22, 18, 19, 20])),
    Uint8Array.from({ length: 400 }, (_, at) => (at * 37) % 251),
  ],
  open: async () => ({
    feed(input) {
      const data = new GuestData();
      const inProcedure = (input[0] ?? 0) % 4 === 0;
      let run: ScriptRun;
      try {
        run = runScript(stepsOf(input.subarray(1), data), { data, inProcedure });
      } catch (error) {
        // The database refuses the call, whatever the guest would make of that.
        if (isRefusal(error, ["SystemTable", "LimitExceeded", "OutOfMemory"])) return;
        throw error;
      }
      if (run.database.store.poisoned) throw new Error("the store is left half-way in a change");
      // Whatever the guest did, the next call is served.
      run.database.transact(() => undefined);
    },
    check: () => undefined,
    close: () => undefined,
  }),
};
