/** The module of a database, as those see it who call it. `calls/module-runtime.ts` has the one that runs programs. */
import type { FunctionKind, ModuleInstance } from "@lightcone/host";
import type { ModuleDef, ProcedureDef, ReducerDef } from "@lightcone/schema";
import type { Validator } from "@lightcone/sats";
import type { HostType } from "../link/link.ts";
import type { ViewModule } from "../views/view-site.ts";
import type { FunctionNames } from "./function-names.ts";

/** A program to go on with, as `DatabaseRequest` has it. */
export interface Program {
  readonly hostType: HostType;
  readonly program: Uint8Array;
}

/** A reducer with what a call of it needs. */
export interface BoundReducer {
  readonly def: ReducerDef;
  /** Where a value of the parameters ends, or -1 if the bytes are none. */
  readonly validate: Validator;
  /** The same of what it gives; undefined for nothing. */
  readonly checkResult: Validator | undefined;
  /** Whether any client may call it and nothing more is asked: no life-cycle reducer, not private, no host ended in it. */
  isForAll: boolean;
}

export interface Module extends ViewModule {
  readonly hostType: HostType;
  /** The program's bytes, as they were published. */
  readonly bytes: Uint8Array;
  /** Keccak-256 of the program, as hex. */
  readonly hash: string;
  readonly def: ModuleDef;
  readonly reducers: readonly BoundReducer[];
  /** Reducers by the bytes of the name that clients call. */
  readonly names: FunctionNames<BoundReducer>;
  /** The instance that runs reducers; a new one after `discard`. */
  readonly instance: ModuleInstance;
  /** Drops that instance: it was left in the middle of a call. */
  discard(): void;
  /** The module's tables exist, or have changed: looks their ids up. */
  bind(): void;
  /** Another module runs from here on, until `bind` is called again. */
  retire(): void;
  /** An instance for one procedure, its own until `giveBack`. What is left in the middle of a call is not given back. */
  lend(): ModuleInstance;
  giveBack(instance: ModuleInstance): void;
  reducer(name: string): BoundReducer | undefined;
  /** The procedure of a name, if there is one. */
  procedure(name: string): ProcedureDef | undefined;
  /** The reducer of a life-cycle event, if the module has one. */
  lifecycle(event: "init" | "connect" | "disconnect"): BoundReducer | undefined;
  /** Where a function stands in the author's files, if that can be told. */
  placeOf(kind: FunctionKind, name: string): { readonly file: string; readonly line: number } | undefined;
}
