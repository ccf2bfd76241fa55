/**
 * A running bundle of the official package: an ES module that imports `spacetime:sys`, evaluated in the same sandbox as bundles
 * of `lightcone/module`, entered by the hooks that it gives. docs/wire/javascript-abi.md.
 *
 * It knows neither the database nor in which thread it is: what it asks for are `SysOperations`.
 */
import { LightconeError } from "@lightcone/base";
import { modulePromises, type Rejection, type Settled } from "@lightcone/base/node";
import type {
  CallOutcome,
  HandlerCall,
  ProcedureCall,
  ProcedureOutcome,
  ReducerCall,
  ViewCall,
  ViewOutcome,
} from "@lightcone/host";
import { ByteReader, readU128, readU256 } from "@lightcone/sats";
import { types } from "node:util";
import { invalid } from "../module-shape.ts";
import { endWork, readingOf } from "../module-work.ts";
import { isThenable } from "../procedure-runner.ts";
import type { ScriptSandbox } from "../sandbox.ts";
import type { Position, StackMapper } from "../stack-trace.ts";
import { isHostsOwn, isStackOverflow, refusalOf } from "../thrown.ts";
import { registeredHooks, sysHooks, sysModules } from "./abi.ts";
import { functionsOf1, functionsOf2 } from "./functions.ts";
import type { Fail, SysOperations } from "./operations.ts";
import type { SysProgram } from "./program.ts";

type Panic = Extract<CallOutcome, { readonly kind: "panic" }>;
type Refused = Exclude<CallOutcome, { readonly kind: "ok" }>;
type Hook = (...values: readonly unknown[]) => unknown;

const ok = { kind: "ok" } as const satisfies CallOutcome;
const asyncAdvice =
  "functions of a module run to their end at once, without await: what waits is done by a client, or by a procedure's ctx.http.fetch";

/**
 * The official package closes iterators that were dropped when their memory is freed. When that is differs from run to run, so
 * this registry never calls: what a call leaves open is closed at its end.
 */
const silentRegistry = `return class FinalizationRegistry {
  constructor(cleanup) { if (typeof cleanup !== "function") throw new TypeError("the clean-up is no function"); }
  register() {}
  unregister() { return false; }
};`;

/** What of a hook's outcome is the same for reducers and procedures. */
interface Ended<T> {
  readonly outcome: T | Refused;
  readonly settled: Settled | undefined;
}

export interface BundleSite {
  readonly sandbox: ScriptSandbox;
  readonly stacks: StackMapper;
  /** The database's identity, 32 bytes. */
  readonly identity: () => Uint8Array;
  /** Makes what the bundle asks for, of the way in which it is refused something. */
  readonly operations: (fail: Fail) => SysOperations;
}

export class Bundle {
  readonly description: Uint8Array;
  private readonly program: SysProgram;
  private readonly site: BundleSite;
  private readonly stacks: StackMapper;
  private readonly hooks: Readonly<Record<string, Hook>>;
  /** What hooks of version 2 are called with as `this`. */
  private hooksObject: unknown;
  private senderError: (new (message: string) => Error) | undefined;

  /** @throws {LightconeError} `ModuleInvalid` when the bundle fails to run or to describe itself */
  constructor(program: SysProgram, site: BundleSite) {
    modulePromises.watch();
    this.program = program;
    this.site = site;
    this.stacks = site.stacks;
    const { activity } = modulePromises;
    modulePromises.begin();
    try {
      this.hooks = this.evaluate();
      this.description = this.describe();
    } catch (error) {
      const told = this.invalid(error);
      endWork(activity);
      throw told;
    }
    const rejection = endWork(activity)?.rejection;
    if (rejection !== undefined)
      invalid(`a promise was rejected as the module loads: ${readingOf(() => this.stacks.describe(rejection.reason))}`);
  }

  // --- evaluation

  private evaluate(): Readonly<Record<string, Hook>> {
    const { program, stacks } = this;
    const { sandbox, identity, operations } = this.site;
    const site = {
      operations: operations((code, text) => this.fail(code, text)),
      identity: () => {
        const bytes = identity();
        return readU256(new DataView(bytes.buffer, bytes.byteOffset, 32), 0);
      },
      callersPlace: () => usersPlace(stacks.positions(new Error().stack ?? "")),
    };
    const registered: Record<string, Hook> = {};
    const moduleHooks: unique symbol = Symbol("moduleHooks");
    const functions = program.major === 1 ? functionsOf1(site) : functionsOf2(site);
    const host = Object.fromEntries(
      Object.entries(sysModules).map(([module, names]) => {
        const register = registerer(module, registered);
        const exported = names.map((name) => [
          name,
          name === "register_hooks" ? register : name === "moduleHooks" ? moduleHooks : functions[name],
        ]);
        return [module, Object.assign(Object.create(null), Object.fromEntries(exported)) as object];
      }),
    );
    const run = sandbox.evaluate(program.script);
    if (typeof run !== "function") invalid("the bundle is not a script");
    const registry = sandbox.compile([], silentRegistry, "a registry that is silent")();
    const exports: unknown = run(sandbox.harden(host), sandbox.harden(registry));
    if (Object.keys(registered).length > 0) return this.checked(registered);
    return this.hooksOf2(exports as object, moduleHooks);
  }

  private hooksOf2(exports: object, moduleHooks: symbol): Readonly<Record<string, Hook>> {
    if (this.program.major === 1)
      invalid("the bundle registers no functions: it imports spacetime:sys@1 but not spacetimedb/server");
    const schema: unknown = Reflect.get(exports, "default");
    if ((typeof schema !== "object" || schema === null) && typeof schema !== "function")
      invalid("the bundle has no default export: write `export default` before the schema in its entry file");
    const make: unknown = Reflect.get(schema, moduleHooks);
    if (typeof make !== "function") invalid("the bundle's default export is no schema of spacetimedb/server");
    const hooks: unknown = Reflect.apply(make, schema, [exports]);
    if (typeof hooks !== "object" || hooks === null) invalid("the bundle's schema gives no hooks");
    this.hooksObject = hooks;
    const found = Object.fromEntries(
      Object.keys(sysHooks[2]).flatMap((name) => {
        const hook: unknown = Reflect.get(hooks, name);
        return typeof hook === "function" ? [[name, hook as Hook]] : [];
      }),
    );
    const senderError: unknown = found["__sender_error_class__"];
    if (typeof senderError === "function") this.senderError = senderError as new (message: string) => Error;
    return this.checked(found);
  }

  private checked(hooks: Readonly<Record<string, Hook>>): Readonly<Record<string, Hook>> {
    for (const [name, isNeeded] of Object.entries(sysHooks[this.program.major]))
      if (isNeeded && hooks[name] === undefined)
        invalid(`the bundle gives no function ${name}: build it again with the package spacetimedb`);
    return hooks;
  }

  private describe(): Uint8Array {
    const description = this.enter("__describe_module__");
    if (!types.isUint8Array(description)) invalid("`__describe_module__` of the bundle gives no bytes");
    return new Uint8Array(description);
  }

  private invalid(error: unknown): unknown {
    if (isHostsOwn(error)) return error;
    return new LightconeError("ModuleInvalid", { reason: this.stacks.describe(error) }, { cause: error });
  }

  // --- calls

  private enter(name: string, ...values: readonly unknown[]): unknown {
    const hook = this.hooks[name];
    if (hook === undefined) throw new TypeError(`the bundle gives no function ${name}`);
    return Reflect.apply(hook, this.hooksObject, values);
  }

  callReducer(call: ReducerCall): CallOutcome {
    return this.call(() => {
      const result = this.enter("__call_reducer__", call.reducerId, ...callerOf(call), this.argumentsOf(call.args));
      return this.program.major === 1 ? resultOf(result) : returned(result);
    });
  }

  callProcedure(call: ProcedureCall): ProcedureOutcome {
    return this.call((): ProcedureOutcome => {
      const value = this.enter("__call_procedure__", call.procedureId, ...callerOf(call), call.args.slice());
      if (!types.isUint8Array(value)) return panic("the procedure returned no bytes");
      return { kind: "ok", value: new Uint8Array(value) };
    });
  }

  callHandler({ handlerId, timestampMicros, request, body }: HandlerCall): ProcedureOutcome {
    return this.call((): ProcedureOutcome => {
      const at = BigInt(timestampMicros);
      const result = this.enter("__call_http_handler__", handlerId, at, request.slice(), body.slice());
      const parts: readonly unknown[] = Array.isArray(result) ? result : [];
      const [record, content] = [parts[0], parts[1]];
      if (!types.isUint8Array(record) || !types.isUint8Array(content)) return panic("the handler returned no response");
      return { kind: "ok", value: new Uint8Array(record), body: new Uint8Array(content) };
    });
  }

  callView({ viewIndex, isAnonymous, sender, args }: ViewCall): ViewOutcome {
    return this.call((): ViewOutcome => {
      const result = isAnonymous
        ? this.enter("__call_view_anon__", viewIndex, args.slice())
        : this.enter("__call_view__", viewIndex, identityOf(sender), args.slice());
      // The first bundles gave rows alone, without a header.
      if (types.isUint8Array(result)) return { kind: "rows", bytes: new Uint8Array(result) };
      const data = typeof result === "object" && result !== null && "data" in result ? result.data : undefined;
      return types.isUint8Array(data) ? viewResult(new Uint8Array(data)) : panic("the view returned no bytes");
    });
  }

  /** Runs one call, with what it leaves to promises. What passes through as an exception costs the instance. */
  private call<T extends { readonly kind: string }>(run: () => T): T | Refused {
    const { activity } = modulePromises;
    modulePromises.begin();
    let outcome: T | Refused;
    try {
      outcome = this.caught(run);
    } catch (error) {
      endWork(activity);
      throw error;
    }
    const settled = endWork(activity);
    return settled === undefined ? outcome : this.settled({ outcome, settled });
  }

  private caught<T>(run: () => T): T | Refused {
    try {
      return run();
    } catch (error) {
      return this.failed(error);
    }
  }

  /** What waits for an open promise would run in some later call's transaction: it goes with the instance. */
  private settled<T extends { readonly kind: string }>({ outcome, settled }: Ended<T>): T | Refused {
    if (settled?.open !== undefined) {
      const at = this.stacks.innermost(settled.open.madeUnder ?? "");
      const place = at === undefined ? "" : `, made at ${at.file}:${at.line}:${at.column},`;
      return {
        kind: "panic",
        message: `a promise${place} is still open as the call ends: ${asyncAdvice}`,
        fatal: true,
      };
    }
    if (outcome.kind !== "ok" || settled?.rejection === undefined) return outcome;
    return this.rejected(settled.rejection);
  }

  private rejected({ reason }: Rejection): Refused {
    return readingOf(() => this.failed(reason));
  }

  private failed(error: unknown): Refused {
    if (isHostsOwn(error)) throw error;
    const refusal = this.senderError === undefined ? undefined : refusalOf(error, this.senderError);
    if (refusal !== undefined) return { kind: "error", message: this.stacks.mapped(refusal) };
    return { kind: "panic", message: this.stacks.describe(error), fatal: isStackOverflow(error) };
  }

  /** Of its own for each call: a bundle may keep it. */
  private argumentsOf(args: Uint8Array): Uint8Array | DataView {
    const copy = args.slice();
    return this.program.major === 1 ? copy : new DataView(copy.buffer);
  }

  /** Throws an error number as the bundle's version knows it. */
  private fail(code: number, text: string): never {
    if (this.program.major === 1) throw Object.freeze({ __code_error__: code, __error_message__: text });
    if (this.hooks === undefined) throw new Error(text);
    const made = this.enter("__get_error_constructor__", code);
    if (typeof made !== "function") throw new Error(text);
    throw Reflect.construct(made, [text]);
  }
}

/** The innermost place outside of the package, whose own `console` is on the way. */
function usersPlace(places: readonly Position[]): Position | undefined {
  return places.find(({ file }) => !/(?:^|\/)node_modules\/spacetimedb/.test(file)) ?? places[1];
}

/** `register_hooks` of one version. */
function registerer(module: string, into: Record<string, Hook>): (hooks: unknown) => void {
  let isRegistered = false;
  return (hooks) => {
    if (isRegistered) throw new TypeError(`the hooks of ${module} are registered already`);
    if (typeof hooks !== "object" || hooks === null) throw new TypeError("the hooks are no object");
    for (const name of registeredHooks[module] ?? []) {
      const hook: unknown = Reflect.get(hooks, name);
      if (typeof hook !== "function") throw new TypeError(`the hook ${name} is no function`);
      into[name] = hook as Hook;
    }
    isRegistered = true;
  };
}

/** Who calls and when, as the hooks take it. */
function callerOf({ sender, connection, timestampMicros }: Omit<ReducerCall, "reducerId">): [bigint, bigint, bigint] {
  return [
    identityOf(sender),
    readU128(new DataView(connection.buffer, connection.byteOffset, 16), 0),
    BigInt(timestampMicros),
  ];
}

function identityOf(sender: Uint8Array): bigint {
  return readU256(new DataView(sender.buffer, sender.byteOffset, 32), 0);
}

/** What a view gives: rows behind a header, or a header with a query. */
function viewResult(bytes: Uint8Array): ViewOutcome {
  if (bytes[0] === 0) return { kind: "rows", bytes: bytes.subarray(1) };
  try {
    const input = new ByteReader(bytes, "what the view returned");
    if (input.u8() === 1) {
      const sql = input.string();
      if (input.at === bytes.length) return { kind: "query", sql };
    }
  } catch {
    // It is no text, or is cut short.
  }
  return panic("the view returned neither rows nor a query");
}

/** What a reducer of version 1 says of its end. */
function resultOf(result: unknown): CallOutcome {
  if (typeof result !== "object" || result === null) return returned(result ?? null);
  const { tag, value } = result as { readonly tag?: unknown; readonly value?: unknown };
  if (tag === "ok") return ok;
  return tag === "err" && typeof value === "string" ? { kind: "error", message: value } : returned(result);
}

function returned(result: unknown): CallOutcome {
  if (result === undefined) return ok;
  const what = isThenable(result) ? `a promise: ${asyncAdvice}` : "a value: a reducer of this package returns nothing";
  return panic(`the reducer returned ${what}`);
}

function panic(message: string): Panic {
  return { kind: "panic", message, fatal: false };
}
