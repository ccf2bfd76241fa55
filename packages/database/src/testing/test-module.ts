/** A module that is functions of the test: what calls it is the database's own, and no program is loaded. */
import type {
  CallOutcome,
  HostPort,
  ModuleInstance,
  ProcedureCall,
  ProcedureOutcome,
  ReducerCall,
  ViewCall,
  ViewOutcome,
} from "@lightcone/host";
import { product, t, validator, type AlgebraicType, type ProductType } from "@lightcone/sats";
import type { Lifecycle, ModuleDef, ProcedureDef, TableDef } from "@lightcone/schema";
import { FunctionNames } from "../core/function-names.ts";
import { isCallableByAll } from "../calls/module-runtime.ts";
import type { BoundReducer, Module } from "../core/module.ts";
import type { HostType } from "../link/link.ts";

export interface TestReducer {
  readonly params?: ProductType;
  readonly lifecycle?: Lifecycle;
  readonly isPrivate?: boolean;
  readonly run: (call: ReducerCall) => CallOutcome | undefined;
}

export interface TestProcedure {
  readonly returns?: AlgebraicType;
  readonly run: (call: ProcedureCall) => ProcedureOutcome | undefined;
}

export interface TestView {
  readonly columns: Readonly<Record<string, AlgebraicType>>;
  readonly primaryKey?: string;
  readonly isAnonymous?: boolean;
  readonly isPrivate?: boolean;
  readonly run: (port: HostPort, call: ViewCall) => ViewOutcome;
}

export interface TestModuleSketch {
  /** Tells modules apart, as a program's hash does. Two hexadecimal digits. */
  readonly name?: string;
  readonly tables?: readonly TableDef[];
  readonly reducers?: Readonly<Record<string, TestReducer>>;
  readonly procedures?: Readonly<Record<string, TestProcedure>>;
  readonly views?: Readonly<Record<string, TestView>>;
}

const noParams = product([]);
const noSuchProcedure: ProcedureOutcome = { kind: "panic", message: "no such procedure", fatal: false };

export class TestModule implements Module {
  readonly hostType: HostType = "js";
  readonly bytes: Uint8Array;
  readonly hash: string;
  readonly def: ModuleDef;
  readonly reducers: readonly BoundReducer[];
  readonly names: FunctionNames<BoundReducer>;
  /** Instances that were opened for procedures, and those of them that are lent now. */
  openedCount = 0;
  readonly lent = new Set<ModuleInstance>();
  discardCount = 0;
  private readonly sketch: TestModuleSketch;
  private readonly idle: ModuleInstance[] = [];
  /** Instances that were opened for views. */
  viewInstanceCount = 0;
  private openedForViews: ModuleInstance | undefined;
  private readonly viewPort: HostPort | undefined;

  constructor(sketch: TestModuleSketch, viewPort?: HostPort) {
    const { name = "01", tables = [], reducers = {}, procedures = {}, views = {} } = sketch;
    this.sketch = sketch;
    this.viewPort = viewPort;
    this.hash = name.repeat(32);
    this.bytes = new TextEncoder().encode(name);
    this.def = {
      version: 9,
      typespace: [],
      sourceTypespace: [],
      types: [],
      tables,
      reducers: Object.entries(reducers).map(([of, { params = noParams, lifecycle, isPrivate = false }], id) => ({
        id,
        name: of,
        accessor: of,
        params,
        paramsByRef: params,
        lifecycle,
        returns: undefined,
        returnsByRef: undefined,
        visibility: isPrivate ? "private" : "client",
      })),
      procedures: Object.entries(procedures).map(([of, { returns = t.string }], id) => ({
        id,
        name: of,
        accessor: of,
        params: noParams,
        paramsByRef: noParams,
        returns,
        returnsByRef: returns,
        visibility: "client",
      })),
      views: Object.entries(views).map(
        ([of, { columns, primaryKey, isAnonymous = false, isPrivate = false }], index) => ({
          name: of,
          accessor: of,
          index,
          isPublic: !isPrivate,
          isAnonymous,
          params: noParams,
          paramsByRef: noParams,
          shape: "array",
          rowTypeRef: 0,
          rowType: product(columns),
          columns: Object.entries(columns).map(([column, type]) => ({
            name: column,
            accessor: column,
            type,
            defaultValue: undefined,
          })),
          primaryKey: primaryKey === undefined ? undefined : Object.keys(columns).indexOf(primaryKey),
        }),
      ),
      rowLevelRules: [],
      httpHandlers: [],
      httpRoutes: [],
      submodules: [],
    };
    this.reducers = this.def.reducers.map((def) => ({
      def,
      validate: validator(def.params),
      checkResult: undefined,
      isForAll: isCallableByAll(def),
    }));
    this.names = new FunctionNames(this.reducers.map((each) => [each.def.name, each] as const));
  }

  get instance(): ModuleInstance {
    return this.open();
  }

  discard(): void {
    this.discardCount += 1;
  }

  get views(): ModuleInstance {
    if (this.openedForViews === undefined) {
      this.viewInstanceCount += 1;
      this.openedForViews = this.open();
    }
    return this.openedForViews;
  }

  discardViews(): void {
    this.openedForViews = undefined;
  }

  bind(): void {
    // Functions of a test know their tables.
  }

  lend(): ModuleInstance {
    const instance = this.idle.pop() ?? this.open();
    this.lent.add(instance);
    return instance;
  }

  retire(): void {}

  giveBack(instance: ModuleInstance): void {
    this.lent.delete(instance);
    this.idle.push(instance);
  }

  reducer(name: string): BoundReducer | undefined {
    return this.reducers.find(({ def }) => def.name === name);
  }

  procedure(name: string): ProcedureDef | undefined {
    return this.def.procedures.find((each) => each.name === name);
  }

  lifecycle(event: Lifecycle): BoundReducer | undefined {
    return this.reducers.find(({ def }) => def.lifecycle === event);
  }

  placeOf(): undefined {
    return undefined;
  }

  private open(): ModuleInstance {
    const reducers = Object.values(this.sketch.reducers ?? {});
    const procedures = Object.values(this.sketch.procedures ?? {});
    const views = Object.values(this.sketch.views ?? {});
    const { viewPort } = this;
    this.openedCount += 1;
    return {
      description: this.bytes,
      callReducer: (call) => reducers[call.reducerId]?.run(call) ?? { kind: "ok" },
      callView: (call) => {
        const view = views[call.viewIndex];
        if (view === undefined || viewPort === undefined)
          return { kind: "panic", message: "no such view", fatal: false };
        return view.run(viewPort, call);
      },
      callProcedure: (call) => {
        const procedure = procedures[call.procedureId];
        return procedure === undefined ? noSuchProcedure : procedure.run(call);
      },
    };
  }
}
