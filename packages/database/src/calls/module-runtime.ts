/** The module of a database: its program, what it says it is, and the instances that run it. */
import { defined, LightconeError } from "@lightcone/base";
import type { FunctionKind, HostPort, ModuleInstance, ModuleProgram } from "@lightcone/host";
import type { LoadJs } from "@lightcone/host-js";
import { loadWasmModule } from "@lightcone/host-wasm";
import {
  checkModule,
  decodeModuleDef,
  withHistory,
  type ModuleDef,
  type ProcedureDef,
  type ReducerDef,
} from "@lightcone/schema";
import { programHash, toHex, validator } from "@lightcone/sats";
import { FunctionNames } from "../core/function-names.ts";
import type { HostType } from "../link/link.ts";
import type { DatabaseLimits } from "../link/limits.ts";
import type { BoundReducer, Module, Program } from "../core/module.ts";

/** What a module may ask of its database: its functions, and its views, which only read. */
export interface ModulePorts {
  readonly port: HostPort;
  readonly viewPort: HostPort;
}

interface Definition {
  readonly def: ModuleDef;
  /** By reducer. */
  readonly checks: readonly Pick<BoundReducer, "validate" | "checkResult">[];
}

/** By description: a module that is loaded in this process gives many databases the same one. */
const definitions = new WeakMap<Uint8Array, Definition>();

/** @throws {LightconeError} `SchemaInvalid` */
function definitionOf({ description, history }: ModuleInstance): Definition {
  const known = definitions.get(description);
  if (known !== undefined) return known;
  const def = withHistory(checkModule(decodeModuleDef(description)), history);
  const checks = def.reducers.map(({ params, returns }) => ({
    validate: validator(params),
    checkResult: returns && validator(returns),
  }));
  const made = { def, checks };
  definitions.set(description, made);
  return made;
}

export class ModuleRuntime implements Module {
  readonly hostType: HostType;
  readonly bytes: Uint8Array;
  readonly hash: string;
  readonly def: ModuleDef;
  readonly reducers: readonly BoundReducer[];
  readonly names: FunctionNames<BoundReducer>;
  private readonly program: ModuleProgram;
  private readonly port: HostPort;
  private readonly viewPort: HostPort;
  private opened: ModuleInstance | undefined;
  private openedForViews: ModuleInstance | undefined;
  /** One for the next procedure: the last that came back. */
  private idle: ModuleInstance | undefined;
  private isRetired = false;

  /** @throws {LightconeError} `ModuleInvalid` or `SchemaInvalid`; nothing is changed then */
  constructor(
    { hostType, program: bytes }: Program,
    { port, viewPort }: ModulePorts,
    limits: DatabaseLimits,
    loadJs: LoadJs,
  ) {
    this.hostType = hostType;
    this.bytes = bytes;
    this.hash = toHex(programHash(bytes));
    this.port = port;
    this.viewPort = viewPort;
    const moduleLimits = {
      memoryPagesMax: limits.moduleMemoryPagesMax,
      procedureThreadsMax: limits.procedureThreadsMax,
      callMsMax: limits.reducerTimeoutMs,
    };
    this.program = hostType === "wasm" ? loadWasmModule(bytes, moduleLimits) : loadJs(scriptOf(bytes), moduleLimits);
    this.opened = this.program.open(port);
    const { def, checks } = definitionOf(this.opened);
    this.def = def;
    this.reducers = def.reducers.map((each, at) => ({
      def: each,
      ...defined(checks[at], "the checks of a reducer"),
      isForAll: isCallableByAll(each),
    }));
    this.names = new FunctionNames(this.reducers.map((reducer) => [reducer.def.name, reducer] as const));
  }

  get instance(): ModuleInstance {
    return (this.opened ??= this.openBound());
  }

  discard(): void {
    this.opened = undefined;
  }

  get views(): ModuleInstance {
    if (this.openedForViews !== undefined) return this.openedForViews;
    const instance = this.program.open(this.viewPort);
    instance.bind?.();
    this.openedForViews = instance;
    return instance;
  }

  discardViews(): void {
    this.openedForViews = undefined;
  }

  bind(): void {
    this.isRetired = false;
    this.instance.bind?.();
    this.dropIdle();
  }

  retire(): void {
    this.isRetired = true;
    this.dropIdle();
    this.program.rest?.();
  }

  private dropIdle(): void {
    this.idle?.close?.();
    this.idle = undefined;
  }

  lend(): ModuleInstance {
    const instance = this.idle ?? this.openBound();
    this.idle = undefined;
    return instance;
  }

  giveBack(instance: ModuleInstance): void {
    if (instance.isSpent === true || this.isRetired) return instance.close?.();
    if (this.idle !== instance) this.dropIdle();
    this.idle = instance;
  }

  private openBound(): ModuleInstance {
    const instance = this.program.open(this.port);
    instance.bind?.();
    return instance;
  }

  reducer(name: string): BoundReducer | undefined {
    return this.reducers.find(({ def }) => def.name === name);
  }

  procedure(name: string): ProcedureDef | undefined {
    return this.def.procedures.find((each) => each.name === name);
  }

  placeOf(kind: FunctionKind, name: string): { readonly file: string; readonly line: number } | undefined {
    if (kind === "view") {
      const view = this.def.views.findIndex((each) => each.name === name);
      return view < 0 ? undefined : this.openedForViews?.placeOf?.(kind, view);
    }
    const id =
      kind === "handler"
        ? this.def.httpHandlers.findIndex((each) => each.name === name)
        : (kind === "reducer" ? this.reducer(name)?.def : this.procedure(name))?.id;
    const place = id === undefined ? undefined : this.opened?.placeOf?.(kind, id);
    return place === undefined ? undefined : { file: place.file, line: place.line };
  }

  lifecycle(event: "init" | "connect" | "disconnect"): BoundReducer | undefined {
    return this.reducers.find((reducer) => reducer.def.lifecycle === event);
  }
}

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
