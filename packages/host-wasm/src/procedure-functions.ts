/**
 * The host functions of procedures: transactions begin and end here. docs/wire/module-abi.md.
 *
 * A reducer has a transaction that is not its own to end: beginning another is refused, and so is ending it.
 */
import { Errno } from "@lightcone/host";
import type { HostFunctionName } from "./abi.ts";
import type { Guest } from "./guest.ts";

export function procedureFunctions(guest: Guest) {
  const { port, memory, traps } = guest;

  /** Ends the procedure's transaction one way or the other. */
  function finish(how: "commit" | "abort"): number {
    const transactions = port.procedureTransactions;
    if (!guest.procedureTransaction || transactions === undefined) return Errno.transactionNotAnonymous;
    guest.procedureTransaction = false;
    guest.rows.clear();
    const result = how === "commit" ? transactions.commit() : transactions.abort();
    return result < 0 ? -result : 0;
  }

  return {
    procedure_start_mut_tx(outAt: number): number {
      memory.sync();
      if (guest.inTransaction()) return Errno.wouldBlockTransaction;
      if (guest.phase !== "procedure" || port.procedureTransactions === undefined) {
        return traps.throw("a transaction can begin in a procedure only");
      }
      const micros = port.procedureTransactions.begin();
      if (micros < 0) return -micros;
      guest.procedureTransaction = true;
      memory.writeU64(outAt >>> 0, micros);
      return 0;
    },

    procedure_commit_mut_tx: (): number => finish("commit"),
    procedure_abort_mut_tx: (): number => finish("abort"),

    procedure_sleep_until(_wakeAtMicros: bigint): bigint {
      return traps.throw("`procedure_sleep_until`: sleeping comes with a later release");
    },

    procedure_http_request(): number {
      return traps.throw("`procedure_http_request`: HTTP requests come with a later release");
    },
  } satisfies Partial<Record<HostFunctionName, unknown>>;
}
