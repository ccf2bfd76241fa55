/**
 * A module that stands in this process already, as a test has imported it: its functions run in the realm of the test, which
 * is never locked down. While one of them runs, the realm's globals answer as those of a database do (`guest-globals.ts`).
 *
 *   exports of the entry file ─▶ LoadedModule ─▶ JsInstance, as for a bundle ─▶ LoadedInstance: globals changed around each call
 *
 * One database after the other has an instance: what was compiled for the module's tables is compiled once.
 */
import type {
  CallOutcome,
  GoOn,
  HandlerCall,
  HostPort,
  ModuleInstance,
  ModuleProgram,
  ProcedureCall,
  ProcedureOutcome,
  ProcedureWaits,
  ReducerCall,
  ViewCall,
  ViewOutcome,
} from "@lightcone/host";
import { compileHere } from "@lightcone/sats";
import type { ModuleHistory } from "@lightcone/schema";
import { makeConsole } from "../console.ts";
import { guestClassesOf, type GuestClasses, type OwnClasses } from "../guest-classes.ts";
import { JsInstance } from "../instance.ts";
import { readWholeShape, type ModuleSource } from "../module-source.ts";
import { byAlias, fullName, partOf, withAllBelow, type Part } from "../parts.ts";
import type { Sandbox } from "../sandbox.ts";
import { Scratch } from "../scratch.ts";
import type { ModuleShape } from "../shapes.ts";
import type { Position } from "../stack-trace.ts";
import { prepareTable, type MakeTableBinding, type TableBinding } from "../table-handle.ts";
import { guestGlobals } from "./guest-globals.ts";
import { LoadedStacks } from "./loaded-stacks.ts";
import { SwitchedPort } from "./switched-port.ts";

/** What the package that the module imports has outside of a database: the host knows values of the module by it. */
export interface ModulePackage extends OwnClasses {
  /** The symbol under which exports describe themselves. */
  readonly description: symbol;
}

export type Shown = (tables: object, path: string) => object;

/** A program for one database. */
export interface LoadedProgram extends ModuleProgram {
  /**
   * The handles of its tables, as its functions have them, for reading by a port of the database.
   *
   * @param shown makes what is given of the tables of the module, or of a submodule by its path
   */
  readTables(port: HostPort, shown: Shown): object;
  /** The database is gone: its instances are there for the next. Handles of its tables read nothing any more. */
  release(): void;
}

const realm: Sandbox = { compile: compileHere, harden: (value) => frozen(value, 2) };

/** Freezes what is the host's: an object and the plain ones in it. What is the module's own stays as it is. */
function frozen<T>(value: T, depth: number): T {
  if (typeof value !== "object" || value === null) return value;
  Object.freeze(value);
  if (depth > 0)
    for (const each of Object.values(Object.getOwnPropertyDescriptors(value))) frozen(each.value, depth - 1);
  return value;
}

export class LoadedModule implements ModuleSource {
  readonly sandbox: Sandbox = realm;
  readonly stacks: LoadedStacks = new LoadedStacks();
  readonly classes: GuestClasses;
  readonly shape: ModuleShape;
  /** The same bytes for all instances: what is made of them is made once. */
  description: Uint8Array | undefined;
  private prepared: PreparedTables | undefined;
  /** Instances that no database has at the moment. */
  private readonly free: LoadedInstance[] = [];

  /**
   * @param exports of the module's entry file
   * @throws {LightconeError} `ModuleInvalid`, `SchemaInvalid`
   */
  constructor(exports: object, own: ModulePackage) {
    this.classes = guestClassesOf(own);
    this.shape = readWholeShape(exports, own.description, this.stacks);
  }

  read(): ModuleShape {
    return this.shape;
  }

  placeOf(): Position | undefined {
    return undefined; // an engine does not say where a function stands
  }

  private prepare(): PreparedTables {
    if (this.prepared !== undefined) return this.prepared;
    const root = partOf(this.shape);
    return (this.prepared = { root, tables: withAllBelow(root).flatMap((part) => prepared(part, this)) });
  }

  program(): LoadedProgram {
    const taken: LoadedInstance[] = [];
    let reader: TableReader | undefined;
    return {
      open: (port) => {
        const instance = this.free.pop() ?? new LoadedInstance(this, port);
        instance.serve(port);
        taken.push(instance);
        return instance;
      },
      readTables: (port, shown) => {
        reader ??= new TableReader(this.prepare(), port, shown);
        reader.bind();
        return reader.db;
      },
      release: () => {
        reader?.end();
        this.free.push(...taken.splice(0).filter((instance) => instance.isWhole));
      },
    };
  }
}

interface PreparedTables {
  readonly root: Part;
  /** Those of all parts. */
  readonly tables: readonly PreparedTable[];
}

interface PreparedTable {
  readonly part: Part;
  readonly key: string;
  /** The names that the database has for it and its indexes. */
  readonly name: string;
  readonly indexNames: readonly string[];
  readonly make: MakeTableBinding;
}

function prepared(part: Part, tools: { readonly sandbox: Sandbox; readonly classes: GuestClasses }): PreparedTable[] {
  return part.shape.tables.map((table, at) => {
    const indexes = part.indexes[at] ?? [];
    return {
      part,
      key: table.key,
      name: fullName(part, table.key),
      indexNames: indexes.map(({ sourceName }) => fullName(part, sourceName)),
      make: prepareTable(table, indexes, tools),
    };
  });
}

/** Handles of tables outside of any call, for one database. */
class TableReader {
  readonly db: object;
  private readonly port: SwitchedPort;
  private readonly shown: Shown;
  private readonly tables: readonly (PreparedTable & { readonly binding: TableBinding })[];

  constructor({ root, tables }: PreparedTables, port: HostPort, shown: Shown) {
    this.port = new SwitchedPort(port);
    this.shown = shown;
    const scratch = new Scratch();
    this.tables = tables.map((table) => ({ ...table, binding: table.make(this.port, scratch) }));
    this.db = this.databaseOf(root, "");
  }

  /** Makes the handles read: tables may have come since they last did. */
  bind(): void {
    const { port } = this;
    for (const { name, indexNames, binding } of this.tables)
      binding.bind([port.tableId(name), ...indexNames.map((index) => port.indexId(index))]);
  }

  end(): void {
    this.port.to = noDatabase;
  }

  private databaseOf(part: Part, path: string): object {
    const own = this.tables.filter((table) => table.part === part);
    const handles = own.map(({ key, binding }) => [key, binding.handle] as const);
    const parts = byAlias(part, (within, alias) => this.databaseOf(within, `${path}.${alias}`));
    return this.shown({ ...Object.fromEntries(handles), ...parts }, path);
  }
}

const noDatabase = new Proxy({} as HostPort, {
  get: () => {
    throw new TypeError("the world is closed: what a test does with it comes before world.close(), and is awaited");
  },
});

class LoadedInstance implements ModuleInstance {
  readonly description: Uint8Array;
  readonly history: ModuleHistory;
  private readonly inner: JsInstance;
  private readonly port: SwitchedPort;
  private readonly console: object;
  private isRunning = false;
  private isBroken = false;

  constructor(module: LoadedModule, port: HostPort) {
    this.port = new SwitchedPort(port);
    this.console = makeConsole(module.sandbox, this.port, module.stacks);
    this.inner = new JsInstance(module, this.port);
    this.description = module.description ??= this.inner.description;
    this.history = this.inner.history;
  }

  /** From here on it is the port's. */
  serve(port: HostPort): void {
    this.port.to = port;
    // Procedures go on by way of what they wait for.
    this.port.procedureWaits = port.procedureWaits && this.guardedWaits(port.procedureWaits);
  }

  /** Whether another database may have it: it was not left in the middle of a call, and nothing would wake in it. */
  get isWhole(): boolean {
    return !this.isRunning && !this.isBroken && !this.isSpent;
  }

  get isSpent(): boolean {
    return this.inner.isSpent;
  }

  bind(): void {
    this.inner.bind();
  }

  callReducer(call: ReducerCall): CallOutcome {
    return this.inside(() => this.inner.callReducer(call));
  }

  callView(call: ViewCall): ViewOutcome {
    return this.inside(() => this.inner.callView(call));
  }

  callProcedure(call: ProcedureCall): ProcedureOutcome | undefined {
    return this.inside(() => this.inner.callProcedure(call));
  }

  callHandler(call: HandlerCall): ProcedureOutcome | undefined {
    return this.inside(() => this.inner.callHandler(call));
  }

  private guardedWaits(waits: ProcedureWaits): ProcedureWaits {
    const guarded =
      <T>(goOn: GoOn<T>): GoOn<T> =>
      (what) =>
        this.inside(() => goOn(what));
    return {
      sleepUntil: (micros, goOn) => waits.sleepUntil(micros, guarded(goOn)),
      request: (request, goOn) => waits.request(request, guarded(goOn)),
    };
  }

  private inside<T extends { readonly kind: string } | undefined>(run: () => T): T {
    this.isRunning = true;
    guestGlobals.enter(this.console);
    let outcome: T;
    try {
      outcome = run();
    } finally {
      guestGlobals.leave();
    }
    // One that waits, one that threw, or one that was ended, is left in the middle.
    this.isRunning = outcome === undefined;
    if (outcome !== undefined && "fatal" in outcome && outcome.fatal === true) this.isBroken = true;
    return outcome;
  }
}
