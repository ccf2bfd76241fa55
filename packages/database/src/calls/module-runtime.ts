/** The module of a database: its program, what it says it is, and the instance that runs now. */
import { LightconeError } from "@lightcone/base";
import type { HostPort, ModuleInstance, ModuleProgram } from "@lightcone/host";
import { loadJsModule, type SandboxKind } from "@lightcone/host-js";
import { loadWasmModule } from "@lightcone/host-wasm";
import { checkModule, decodeModuleDef, type ModuleDef, type ReducerDef } from "@lightcone/schema";
import { programHash, toHex, validator, type Validator } from "@lightcone/sats";
import { FunctionNames } from "./function-names.ts";
import type { HostType } from "../link/link.ts";
import type { DatabaseLimits } from "../link/limits.ts";
import type { FunctionKind } from "../core/running.ts";

/** A reducer with what a call of it needs. */
export interface BoundReducer {
  readonly def: ReducerDef;
  /** Where a value of the parameters ends, or -1 if the bytes are none. */
  readonly validate: Validator;
  /** Whether any client may call it and nothing more is asked: no life-cycle reducer, not private, no host ended in it. */
  isForAll: boolean;
}

export class ModuleRuntime {
  readonly hostType: HostType;
  /** The program's bytes, as they were published. */
  readonly bytes: Uint8Array;
  /** Keccak-256 of the program, as hex. */
  readonly hash: string;
  readonly def: ModuleDef;
  readonly reducers: readonly BoundReducer[];
  /** Reducers by the name that clients call. */
  readonly names: FunctionNames<BoundReducer>;
  private readonly program: ModuleProgram;
  private readonly port: HostPort;
  private opened: ModuleInstance | undefined;

  /** @throws {LightconeError} `ModuleInvalid` or `SchemaInvalid`; nothing is changed then */
  constructor(hostType: HostType, bytes: Uint8Array, port: HostPort, limits: DatabaseLimits, sandbox: SandboxKind) {
    this.hostType = hostType;
    this.bytes = bytes;
    this.hash = toHex(programHash(bytes));
    this.port = port;
    const moduleLimits = { memoryPagesMax: limits.moduleMemoryPagesMax };
    this.program =
      hostType === "wasm"
        ? loadWasmModule(bytes, moduleLimits)
        : loadJsModule(scriptOf(bytes), moduleLimits, { sandbox });
    this.opened = this.program.open(port);
    this.def = checkModule(decodeModuleDef(this.opened.description));
    this.reducers = this.def.reducers.map((def) => ({
      def,
      validate: validator(def.params),
      isForAll: isCallableByAll(def),
    }));
    this.names = new FunctionNames(this.reducers.map((reducer) => [reducer.def.name, reducer] as const));
  }

  /** The instance that runs calls; a new one after `discard`. */
  get instance(): ModuleInstance {
    if (this.opened === undefined) {
      this.opened = this.program.open(this.port);
      this.opened.bind?.();
    }
    return this.opened;
  }

  /** Drops the instance: it was left in the middle of a call, or its tables changed. */
  discard(): void {
    this.opened = undefined;
  }

  /** Where a function stands in the author's files, if that can be told. */
  placeOf(kind: FunctionKind, name: string): { readonly file: string; readonly line: number } | undefined {
    const reducer = kind === "reducer" ? this.reducers.find((each) => each.def.name === name) : undefined;
    const place = reducer === undefined ? undefined : this.opened?.placeOf?.(reducer.def.id);
    return place === undefined ? undefined : { file: place.file, line: place.line };
  }

  /** The reducer of a life-cycle event, if the module has one. */
  lifecycle(event: "init" | "connect" | "disconnect"): BoundReducer | undefined {
    return this.reducers.find((reducer) => reducer.def.lifecycle === event);
  }
}

/** Whether the module lets any client call a reducer. */
export function isCallableByAll({ lifecycle, visibility }: ReducerDef): boolean {
  return lifecycle === undefined && visibility !== "private";
}

/** @throws {LightconeError} `ModuleInvalid` when the bytes are no text */
function scriptOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new LightconeError("ModuleInvalid", { reason: "its script is not UTF-8 text" }, { cause });
  }
}
