/** A running TypeScript module: what it exports is read, its tables bound, its reducers called. */
import { defined, LightconeError } from "@lightcone/base";
import { modulePromises, type Rejection, type Settled } from "@lightcone/base/node";
import type {
  CallOutcome,
  FunctionKind,
  HandlerCall,
  HostPort,
  ModuleInstance,
  ProcedureCall,
  ProcedureOutcome,
  ReducerCall,
  ViewCall,
  ViewOutcome,
} from "@lightcone/host";
import {
  ByteReader,
  ByteWriter,
  isUnit,
  product,
  valueCodec,
  type ValueCodec,
  type AlgebraicType,
} from "@lightcone/sats";
import type { ModuleHistory } from "@lightcone/schema";
import { CallContext } from "./context.ts";
import { describeModule } from "./describe.ts";
import type { GuestClasses } from "./guest-classes.ts";
import { invalid } from "./module-shape.ts";
import { historyOf } from "./module-history.ts";
import type { ModuleSource } from "./module-source.ts";
import { endWork, readingOf } from "./module-work.ts";
import { byAlias, fullName, partOf, withAllBelow, type Part } from "./parts.ts";
import { isThenable, ProcedureRunner, type BoundProcedure, type Refused } from "./procedure-runner.ts";
import type { Sandbox } from "./sandbox.ts";
import { Scratch } from "./scratch.ts";
import { asyncAdvice } from "./shape-reader.ts";
import type { FunctionShape, ViewShape } from "./shapes.ts";
import type { Position, Stacks } from "./stack-trace.ts";
import { isHostsOwn, isStackOverflow, refusalOf } from "./thrown.ts";
import { checkAccessors, prepareTable, type TableBinding } from "./table-handle.ts";
import { ViewRunner, type BoundView, type ViewGiven } from "./view-runner.ts";

interface BoundTable {
  readonly key: string;
  /** Their names in the module's code. */
  readonly indexes: readonly string[];
  readonly binding: TableBinding;
}

interface BoundReducer {
  readonly name: string;
  /** What it is given: that of the module that it is of. */
  readonly ctx: object;
  readonly body: FunctionShape["body"];
  readonly args: ValueCodec;
  /** Undefined for one that gives nothing. */
  readonly returns: ValueCodec | undefined;
}

const ok: CallOutcome = { kind: "ok" };
/** Arguments of up to so many bytes are copied before they are read. */
const copiedArgsMax = 128;

export class JsInstance implements ModuleInstance {
  readonly description: Uint8Array;
  readonly history: ModuleHistory;
  private readonly port: HostPort;
  private readonly source: ModuleSource;
  private readonly sandbox: Sandbox;
  private readonly stacks: Stacks;
  private readonly classes: GuestClasses;
  private readonly root: Part;
  /** It and all modules within, in the order in which functions are numbered. */
  private readonly parts: readonly Part[];
  private readonly args = new ByteReader(new Uint8Array(copiedArgsMax), "arguments");
  // Made by the first `bind`, when the description has been checked: code is generated from it.
  private tables: readonly BoundTable[] = [];
  private reducers: readonly BoundReducer[] = [];
  private procedures: readonly BoundProcedure[] = [];
  private views: readonly BoundView[] = [];
  private readonly viewRunner = new ViewRunner();
  private context: CallContext | undefined;
  /** What functions of each part are given. */
  private readonly contexts = new Map<Part, object>();
  /** Made by the first procedure: most instances run none. */
  private runner: ProcedureRunner | undefined;

  /**
   * @throws {LightconeError} `ModuleInvalid` when the module fails to run or to describe itself, `SchemaInvalid` when it
   *   describes what cannot be
   */
  constructor(source: ModuleSource, port: HostPort) {
    modulePromises.watch();
    this.source = source;
    this.port = port;
    this.sandbox = source.sandbox;
    this.stacks = source.stacks;
    this.classes = source.classes;
    const { activity } = modulePromises;
    modulePromises.begin();
    try {
      this.root = partOf(source.read(port));
      this.parts = withAllBelow(this.root);
      for (const { shape, indexes } of this.parts)
        shape.tables.forEach((table, at) => checkAccessors(table, indexes[at] ?? []));
      this.description = describeModule(this.root.shape);
      this.history = historyOf(this.root);
    } catch (error) {
      const told = this.invalid(error);
      endWork(activity);
      throw told;
    }
    const rejection = endWork(activity)?.rejection;
    if (rejection === undefined) return;
    const reason = readingOf(() => this.told(rejection));
    invalid(`a promise was rejected as the module loads: ${reason}`);
  }

  /** What went wrong while the module was loaded or described itself, which runs code of its own. */
  private invalid(error: unknown): unknown {
    if (isHostsOwn(error)) return error;
    return new LightconeError("ModuleInvalid", { reason: this.stacks.describe(error) }, { cause: error });
  }

  bind(): void {
    if (this.context === undefined) this.build();
    for (const { key, indexes, binding } of this.tables) {
      binding.bind([this.port.tableId(key), ...indexes.map((name) => this.port.indexId(name))]);
    }
  }

  /** Makes what the description stands for: handles of tables, codecs, the context. */
  private build(): void {
    const sandbox = this.sandbox;
    const port = this.port;
    const tools = { sandbox, classes: this.classes };
    const scratch = new Scratch();
    const tables: BoundTable[] = [];
    const databases = new Map<Part, object>();
    const databaseOf = (part: Part): object => {
      const own = part.shape.tables.map((table, at) => {
        const indexes = part.indexes[at] ?? [];
        const binding = prepareTable(table, indexes, tools)(port, scratch);
        tables.push({
          key: fullName(part, table.key),
          indexes: indexes.map(({ sourceName }) => fullName(part, sourceName)),
          binding,
        });
        return [table.key, binding.handle] as const;
      });
      // Not spread: that is a dictionary to V8.
      const db = Object.fromEntries([...own, ...Object.entries(byAlias(part, databaseOf))]);
      databases.set(part, db);
      return db;
    };
    databaseOf(this.root);
    this.tables = tables;

    const context = new CallContext(sandbox, port, (parts, made) => {
      const { random, newUuidV4, newUuidV7 } = parts;
      const literalOf = (part: Part): object => {
        const as = byAlias(part, (within) => {
          const ctx = made(literalOf(within));
          this.contexts.set(within, ctx);
          return ctx;
        });
        return { db: databases.get(part), as, random, newUuidV4, newUuidV7 };
      };
      return literalOf(this.root);
    });
    this.contexts.set(this.root, context.ctx);
    const bound =
      (part: Part) =>
      ({ exportName, body, params, returns }: FunctionShape): BoundReducer & BoundProcedure => ({
        name: fullName(part, exportName),
        part,
        ctx: this.contexts.get(part) ?? context.ctx,
        body: readingOf(() => named(body, exportName)),
        args: valueCodec(
          product(Object.fromEntries(params.map(({ name, type }) => [name, type]))),
          [],
          sandbox.compile,
        ),
        returns: returns === undefined || isUnit(returns) ? undefined : valueCodec(returns, [], sandbox.compile),
      });
    this.reducers = this.parts.flatMap((part) => part.shape.reducers.map(bound(part)));
    this.procedures = this.parts.flatMap((part) => part.shape.procedures.map(bound(part)));
    this.views = this.parts.flatMap((part) =>
      part.shape.views.map((shape) => ({
        name: fullName(part, shape.exportName),
        shape,
        rows: valueCodec(rowsOf(shape), [], sandbox.compile),
        ctx: this.viewRunner.contextOf(sandbox, shape, databases.get(part) ?? {}, shape.fromWithin(part.name)),
      })),
    );
    for (const { name, shape } of this.views) shape.called(name);
    this.context = context;
  }

  private bound(): CallContext {
    this.bind();
    return defined(this.context, "the context of a module that is bound");
  }

  placeOf(kind: FunctionKind, id: number): Position | undefined {
    const all = {
      reducer: this.parts.flatMap(({ shape }) => shape.reducers),
      procedure: this.parts.flatMap(({ shape }) => shape.procedures),
      view: this.parts.flatMap(({ shape }) => shape.views),
      handler: this.root.shape.handlers,
    };
    const body = all[kind][id]?.body;
    return body === undefined ? undefined : this.source.placeOf(body);
  }

  /** Whether a procedure has left what would wake in a later call. */
  get isSpent(): boolean {
    return this.runner?.isSpent === true;
  }

  callProcedure(call: ProcedureCall): ProcedureOutcome | undefined {
    const transaction = this.context ?? this.bound();
    const procedure = this.procedures[call.procedureId];
    if (procedure === undefined)
      return { kind: "panic", message: `the module has no procedure ${call.procedureId}`, fatal: false };
    return this.procedureRunner(transaction).call(procedure, call);
  }

  callHandler(call: HandlerCall): ProcedureOutcome | undefined {
    const transaction = this.context ?? this.bound();
    const handler = this.root.shape.handlers[call.handlerId];
    if (handler === undefined)
      return { kind: "panic", message: `the module has no HTTP handler ${call.handlerId}`, fatal: false };
    return this.procedureRunner(transaction).callHandler(handler, call);
  }

  private procedureRunner(transaction: CallContext): ProcedureRunner {
    return (this.runner ??= new ProcedureRunner({
      sandbox: this.sandbox,
      port: this.port,
      classes: this.classes,
      part: this.root,
      transaction,
      transactionContexts: this.contexts,
      readArgs: (codec, args) => this.readArgs(codec, args),
      failed: (error) => readingOf(() => this.failed(error)),
      rejected: (rejection) => readingOf(() => this.rejected(rejection)),
      placeOf: (madeUnder) => {
        const at = this.stacks.innermost(madeUnder ?? "");
        return at === undefined ? "" : `, made at ${at.file}:${at.line}:${at.column},`;
      },
    }));
  }

  callView(call: ViewCall): ViewOutcome {
    if (this.context === undefined) this.bind();
    const view = this.views.filter(({ shape }) => shape.isAnonymous === call.isAnonymous)[call.viewIndex];
    if (view === undefined) return { kind: "panic", message: `the module has no view ${call.viewIndex}`, fatal: false };
    const { name } = view;
    let given: ViewGiven | undefined;
    const { activity } = modulePromises;
    modulePromises.begin();
    let outcome: CallOutcome;
    try {
      outcome = this.caught(() => {
        given = this.viewRunner.run(view, call);
        return ok;
      });
    } catch (error) {
      endWork(activity);
      throw error;
    }
    const settled = endWork(activity);
    const ended = settled === undefined ? outcome : readingOf(() => this.settled(name, outcome, settled));
    if (ended.kind !== "ok") return ended;
    return typeof given === "string"
      ? { kind: "query", sql: given }
      : { kind: "rows", bytes: given ?? new Uint8Array(4) };
  }

  private caught(run: () => CallOutcome): CallOutcome {
    try {
      return run();
    } catch (error) {
      return readingOf(() => this.failed(error));
    }
  }

  callReducer(call: ReducerCall): CallOutcome {
    const context = this.context ?? this.bound();
    const reducer = this.reducers[call.reducerId];
    if (reducer === undefined)
      return { kind: "panic", message: `the module has no reducer ${call.reducerId}`, fatal: false };
    context.begin(call);
    const { activity } = modulePromises;
    modulePromises.begin();
    let outcome: CallOutcome;
    try {
      outcome = this.run(reducer, reducer.ctx, call.args);
    } catch (error) {
      endWork(activity);
      throw error;
    }
    const settled = endWork(activity);
    if (settled === undefined) return outcome;
    let isOpen = false;
    const ended = readingOf(
      () => this.settled(reducer.name, outcome, settled),
      () => (isOpen = true),
    );
    if (!isOpen) return ended;
    const message = ended.kind === "panic" ? ended.message : leftOpen(reducer.name, undefined);
    return { kind: "panic", message, fatal: true };
  }

  private run(reducer: BoundReducer, ctx: object, args: Uint8Array): CallOutcome {
    const { body } = reducer; // called without a receiver: `this` is nothing of ours
    try {
      const result = body(ctx, this.readArgs(reducer.args, args));
      if (result === undefined && reducer.returns === undefined) return ok;
      return reducer.returns === undefined || isThenable(result)
        ? refuseResult(reducer.name, result)
        : this.returned(reducer.name, reducer.returns, result);
    } catch (error) {
      return this.failed(error);
    }
  }

  private returned(name: string, codec: ValueCodec, result: unknown): CallOutcome {
    const out = new ByteWriter();
    try {
      codec.write(out, result);
    } catch (error) {
      const refused = this.failed(error);
      return refused.kind === "panic"
        ? { ...refused, message: `reducer ${name} returned what is not of its type: ${refused.message}` }
        : refused;
    }
    return { kind: "ok", value: out.toBytes() };
  }

  /** How a call ended whose promises came to what `settled` says. */
  private settled(name: string, outcome: CallOutcome, { rejection, open }: Settled): CallOutcome {
    const ended = outcome.kind === "ok" && rejection !== undefined ? this.rejected(rejection) : outcome;
    if (open === undefined) return ended;
    // What waits for an open promise would run in some later call's transaction: it goes with the instance.
    const message =
      ended.kind === "panic" ? ended.message : leftOpen(name, this.stacks.innermost(open.madeUnder ?? ""));
    return { kind: "panic", message, fatal: true };
  }

  private rejected(rejection: Rejection): Refused {
    const outcome = this.failed(rejection.reason);
    return outcome.kind === "panic" ? { ...outcome, message: this.told(rejection) } : outcome;
  }

  /** A rejection as text, with a place in the author's files whatever it was rejected with. */
  private told({ reason, madeUnder }: Rejection): string {
    const text = this.stacks.describe(reason);
    const at = text.includes("\n    at ") ? undefined : this.stacks.innermost(madeUnder ?? "");
    return at === undefined ? text : `${text}, in a promise made at ${at.file}:${at.line}:${at.column}`;
  }

  private readArgs(codec: ValueCodec, args: Uint8Array): unknown {
    const { length } = args;
    const input = this.args;
    // Asking an array for its buffer, or for a view of it, costs more than copying a few bytes.
    const { bytes } = input;
    if (length > bytes.length) return codec.read(new ByteReader(args, "arguments"));
    for (let index = 0; index < length; index += 1) bytes[index] = args[index] as number;
    input.at = 0;
    input.end = length;
    return codec.read(input);
  }

  private failed(error: unknown): Refused {
    // A limit that is met, or a bug of the host's: not the module's to answer for.
    if (isHostsOwn(error)) throw error;
    const refusal = refusalOf(error, this.classes.SenderError);
    if (refusal !== undefined) return { kind: "error", message: this.stacks.mapped(refusal) };
    return { kind: "panic", message: this.stacks.describe(error), fatal: isStackOverflow(error) };
  }
}

/** The type of a list of a view's rows. */
function rowsOf({ returns }: ViewShape): AlgebraicType {
  if (returns.kind !== "Sum") return returns;
  return { kind: "Array", element: defined(returns.variants[0], "what an option may hold").type };
}

/** Stacks call a reducer by its export's name, not by the property that its function was first put in. */
function named(body: FunctionShape["body"], exportName: string): FunctionShape["body"] {
  if (body.name === "" || body.name === "body") Reflect.defineProperty(body, "name", { value: exportName });
  return body;
}

function refuseResult(name: string, result: unknown): CallOutcome {
  const isPromise = isThenable(result);
  const message = isPromise
    ? `reducer ${name} returned a promise: ${asyncAdvice}`
    : `reducer ${name} returned a value: a reducer returns nothing, unless its type is given with its parameters. Write { … } around its body, throw a SenderError to refuse, and put what others are to see into a table`;
  return { kind: "panic", message, fatal: isPromise };
}

function leftOpen(name: string, at: Position | undefined): string {
  const place = at === undefined ? "" : `, made at ${at.file}:${at.line}:${at.column},`;
  return `a promise${place} is still open as reducer ${name} ends: ${asyncAdvice}`;
}
