/**
 * The host functions of procedures: transactions begin and end here, and procedures wait. docs/wire/module-abi.md.
 *
 * A reducer has a transaction that is not its own to end: beginning another is refused, and so is ending it.
 */
import {
  Errno,
  type GoOn,
  type HttpAnswer,
  type HttpRequest,
  type ProcedureOutcome,
  type ProcedureWaits,
  readHttpRequest,
  writeHttpFailure,
  writeHttpResponse,
} from "@lightcone/host";
import type { HostFunctionName } from "./abi.ts";
import type { Guest } from "./guest.ts";

/** Those that a guest waits for. */
export const waitingFunctions: ReadonlySet<HostFunctionName> = new Set([
  "procedure_sleep_until",
  "procedure_http_request",
]);

export function procedureFunctions(guest: Guest) {
  const { port, memory, sources, traps } = guest;

  /** Ends the procedure's transaction one way or the other. */
  function finish(how: "commit" | "abort"): number {
    const transactions = port.procedureTransactions;
    if (!guest.procedureTransaction || transactions === undefined) return Errno.transactionNotAnonymous;
    guest.procedureTransaction = false;
    guest.rows.clear();
    const result = how === "commit" ? transactions.commit() : transactions.abort();
    return result < 0 ? -result : 0;
  }

  function waitsOf(name: HostFunctionName): ProcedureWaits {
    if (guest.phase === "procedure" && port.procedureWaits !== undefined) return port.procedureWaits;
    return traps.throw(`\`${name}\`: only a procedure waits, which a reducer is not`);
  }

  /** What the host gives when it lets the procedure go on. */
  function waitFor<T>(begin: (goOn: GoOn<T>) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      guest.isWaiting = true;
      const goOn = (what: T): ProcedureOutcome | undefined => {
        guest.isWaiting = false;
        resolve(what);
        return guest.goOn();
      };
      try {
        begin(goOn);
      } catch (error) {
        guest.isWaiting = false;
        reject(error); // the host's own: it ends the procedure
      }
    });
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

    procedure_sleep_until(wakeAtMicros: bigint): Promise<bigint> {
      const waits = waitsOf("procedure_sleep_until");
      if (guest.inTransaction()) return traps.throw("`procedure_sleep_until`: nothing waits within a transaction");
      return waitFor<number>((goOn) => waits.sleepUntil(Number(wakeAtMicros), goOn)).then(BigInt);
    },

    procedure_http_request(
      recordAt: number,
      recordLength: number,
      bodyAt: number,
      bodyLength: number,
      outAt: number,
    ): Promise<number> | number {
      const waits = waitsOf("procedure_http_request");
      memory.sync();
      const record = memory.copy(recordAt >>> 0, recordLength >>> 0);
      const body = memory.copy(bodyAt >>> 0, bodyLength >>> 0);
      memory.need(outAt >>> 0, 8);
      let request: HttpRequest;
      try {
        request = readHttpRequest(record, body);
      } catch {
        return Errno.bsatnDecode;
      }
      if (guest.inTransaction()) return Errno.wouldBlockTransaction;
      return waitFor<HttpAnswer>((goOn) => waits.request(request, goOn)).then((answer) => {
        memory.sync();
        if (answer.kind === "failed") {
          memory.writeU32(outAt >>> 0, sources.open(writeHttpFailure(answer.reason)));
          return Errno.httpError;
        }
        memory.writeU32(outAt >>> 0, sources.open(writeHttpResponse(answer)));
        // Modules of the 1.x crate read it without a look at its handle.
        memory.writeU32((outAt >>> 0) + 4, sources.openAlways(answer.body));
        return 0;
      });
    },
  } satisfies Partial<Record<HostFunctionName, unknown>>;
}
