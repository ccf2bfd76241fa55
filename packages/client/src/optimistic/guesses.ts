/**
 * What calls that are on their way are expected to do, shown on top of the rows that the server has told.
 *
 *   shown = truth, then the function of each pending call, in the order of the calls
 *
 * It is kept so by each message: guesses are lifted off the rows, the message is applied to what is below, and they are laid again,
 * worked out from the rows as they are now. All of it is one change of the table's rows, of which the net effect is told: a guess
 * that was right is lifted by the message that brings the same rows, and nobody hears of it.
 */
import { RowListView } from "@lightcone/protocol";
import type { Bags } from "../bags.ts";
import type { Guess, GuessWorld, PendingGuesses } from "../guessing.ts";
import type { RowBag } from "../row-bag.ts";
import { decodeValue, isObject } from "../value-codec.ts";
import { CameRows } from "./came-rows.ts";
import { coverage } from "./coverage.ts";
import { makeContext } from "./guess-context.ts";
import { readShapes, type TableShape } from "./guess-shapes.ts";
import { GuessRefused, makeTable, makeUnseen, type GuessRun } from "./guess-table.ts";

/** Guesses that are shown at once; calls beyond are made, and not guessed. */
export const guessesMax = 100;
/** Rows that a guess may write; one that writes more is not shown. */
export const guessRowsMax = 10_000;

/** A function as it is called: what it takes is known to whoever wrote it. */
export type GuessFunction = (ctx: never, args: never) => unknown;

interface Write {
  readonly bag: RowBag;
  readonly list: RowListView;
  readonly by: number;
}

class CallGuess implements Guess {
  readonly reducer: string;
  readonly run: GuessFunction;
  readonly args: object;
  readonly timestampMicros: number;
  readonly seed: Uint32Array;
  /** What it has written, in order; undefined when it is not laid. */
  writes: readonly Write[] | undefined;
  /** Numbers that it was given for what the database makes: the same each time. */
  readonly numbers: number[] = [];
  isPending = false;
  readonly #all: CallGuesses;

  constructor(all: CallGuesses, reducer: string, run: GuessFunction, args: object) {
    const { platform } = all.world;
    this.#all = all;
    this.reducer = reducer;
    this.run = run;
    this.args = args;
    this.timestampMicros = platform.clock.nowMicros();
    this.seed = new Uint32Array(platform.random.fill(new Uint8Array(16)).buffer);
  }

  begin(): void {
    this.#all.begin(this);
  }
  end(): void {
    this.#all.end(this);
  }
}

export class CallGuesses implements PendingGuesses {
  readonly world: GuessWorld;
  readonly #functions: Readonly<Record<string, GuessFunction | undefined>>;
  readonly #pending: CallGuess[] = [];
  #shapes: ReadonlyMap<string, TableShape> = new Map();
  #shapesText: string | undefined;
  /** Numbers that stand for what the database will make, given out since nothing was pending. */
  #numberCount = 0;
  /** Those that lie stay as they are: one has come on top. */
  #isOnlyMore = false;
  #isRunning = false;
  #isTogether = false;
  #isStale = false;
  readonly #warned = new Set<string>();

  constructor(world: GuessWorld, functions: Readonly<Record<string, GuessFunction | undefined>>) {
    this.world = world;
    this.#functions = functions;
  }

  guess(reducer: string, args: unknown): Guess | undefined {
    const run = Object.hasOwn(this.#functions, reducer) ? this.#functions[reducer] : undefined;
    // A function that calls a reducer does so each time that it is worked out: that is no guess.
    if (run === undefined || this.#isRunning || !isObject(args)) return undefined;
    // The application may change its object meanwhile.
    return new CallGuess(this, reducer, run, { ...args });
  }

  begin(guess: CallGuess): void {
    if (guess.isPending) return;
    guess.isPending = true;
    if (this.#pending.length >= guessesMax) return this.#warn(guess, `${guessesMax} calls are on their way already`);
    if (this.#pending.length === 0) this.#numberCount = 0;
    this.#pending.push(guess);
    this.#isOnlyMore = true;
    try {
      this.world.show();
    } finally {
      this.#isOnlyMore = false;
    }
  }

  end(guess: CallGuess): void {
    if (!this.#pending.includes(guess) || !guess.isPending) return;
    guess.isPending = false;
    if (this.#isTogether) this.#isStale = true;
    else this.world.show();
  }

  answered(guess: Guess): void {
    for (const each of this.#pending) if (each === guess) each.isPending = false;
  }

  together(run: () => void): void {
    this.#isTogether = true;
    try {
      run();
    } finally {
      this.#isTogether = false;
      if (this.#isStale) {
        this.#isStale = false;
        this.world.show();
      }
    }
  }

  close(): void {
    for (const each of this.#pending) this.end(each);
  }

  checkRead(): void {
    if (this.#isRunning) throw new TypeError("a guess reads and writes `ctx.db`, not the client's tables");
  }

  lift(touched: Set<RowBag>, only?: ReadonlySet<RowBag>): void {
    if (this.#isOnlyMore) return;
    for (const { writes = [] } of this.#pending)
      takeBack(only === undefined ? writes : writes.filter(({ bag }) => only.has(bag)), touched);
  }

  lay(bags: Bags, touched: Set<RowBag>): void {
    if (!this.#isOnlyMore) {
      const kept = this.#pending.filter(({ isPending }) => isPending);
      this.#pending.splice(0, Infinity, ...kept);
      for (const each of this.#pending) each.writes = undefined;
    }
    const came = new Map<RowBag, CameRows>();
    for (const each of this.#pending)
      if (each.writes === undefined) each.writes = this.#laid(each, bags, touched, came);
    this.#isOnlyMore = false;
  }

  /** Works a guess out. Gives what it has written: nothing when it could not be made. */
  #laid(guess: CallGuess, bags: Bags, touched: Set<RowBag>, came: Map<RowBag, CameRows>): readonly Write[] {
    const writes: Write[] = [];
    let [isOver, numbers] = [false, 0];
    const run: GuessRun = {
      checkRuns: () => {
        if (isOver) throw new TypeError("what a guess is given is used after it: it must not wait for anything");
      },
      write: (bag, bytes, by) => {
        run.checkRuns();
        if (writes.length >= guessRowsMax) throw new TypeError(`it writes more than ${guessRowsMax} rows`);
        const write: Write = { bag, list: new RowListView(bytes, 1, bytes.length, undefined), by };
        touched.add(bag);
        bag.take(write.list, by);
        writes.push(write);
      },
      nextNumber: () => (guess.numbers[numbers++] ??= this.#numberCount++),
    };
    this.#isRunning = true;
    try {
      const args = this.#argsOf(guess);
      const ctx = makeContext({
        world: this.world,
        timestampMicros: guess.timestampMicros,
        seed: guess.seed,
        table: (accessor) => this.#table(accessor, bags, run, came),
        isSubmodule: (accessor) => this.#isSubmodule(accessor),
      });
      // Its types say what it takes.
      const given = guess.run(ctx as never, args as never);
      if (given instanceof Promise) {
        given.catch(() => {});
        throw new TypeError("it is async, and a guess is made at once");
      }
      return writes;
    } catch (error) {
      takeBack(writes, touched);
      // The module would refuse it as well, and says so in its own words.
      if (!(error instanceof GuessRefused) && Reflect.get(Object(error), "name") !== "SenderError")
        this.#warn(guess, String(error));
      return [];
    } finally {
      this.#isRunning = false;
      isOver = true;
    }
  }

  /** As the module will see them, and of its own: it may write to them. */
  #argsOf({ reducer, args: given }: CallGuess): unknown {
    const { args, params } = this.world.catalog.encodeCall("reducer", reducer, given);
    return decodeValue(params, args, `the arguments of ${reducer}`);
  }

  #table(accessor: string, bags: Bags, run: GuessRun, came: Map<RowBag, CameRows>): object {
    const { catalog } = this.world;
    const shape = this.#shapesNow.get(accessor);
    const covers = catalog.tableNames.includes(accessor)
      ? coverage(accessor, catalog.schemaOf(accessor), this.world.queries())
      : undefined;
    const bag = covers === undefined ? undefined : bags.bagOf(accessor);
    if (covers === undefined || bag === undefined) return makeUnseen(run);
    let rows = came.get(bag);
    if (rows === undefined) came.set(bag, (rows = new CameRows(bag)));
    const { row: rowType } = catalog.schemaOf(accessor);
    return makeTable({ shape: shape ?? noShape, rowType, bag, came: rows, run, covers });
  }

  #isSubmodule(accessor: string): boolean {
    const { tableNames } = this.world.catalog;
    return !tableNames.includes(accessor) && tableNames.some((name) => name.startsWith(`${accessor}.`));
  }

  get #shapesNow(): ReadonlyMap<string, TableShape> {
    const { text } = this.world.catalog;
    if (text !== undefined && text !== this.#shapesText) this.#shapes = readShapes(text);
    this.#shapesText = text;
    return this.#shapes;
  }

  /** Once for each reducer. */
  #warn({ reducer }: CallGuess, reason: string): void {
    if (this.#warned.has(reducer)) return;
    this.#warned.add(reducer);
    this.world.platform.warn(
      `lightcone: the guess of \`${reducer}\` is not shown, and the call is made all the same: ${reason}`,
    );
  }
}

const noShape: TableShape = { indexes: [], unique: [], autoInc: [], isEvent: false };

function takeBack(writes: readonly Write[], touched: Set<RowBag>): void {
  for (const { bag, list, by } of writes) {
    touched.add(bag);
    bag.take(list, -by);
  }
}
