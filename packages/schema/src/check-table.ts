/** The rules about one table: its columns, and what is built over them. */
import {
  ByteReader,
  integerKinds,
  isSimpleEnum,
  specialKind,
  valueCodec,
  type AlgebraicType,
  type PrimitiveKind,
  type ProductType,
} from "@lightcone/sats";
import { isLightconeError } from "@lightcone/base";
import { shortType, type Checking } from "./checking.ts";
import { followRefs } from "./check-types.ts";
import type { IndexDraft, TableDraft } from "./draft.ts";
import type { ColumnDef, IndexDef, ScheduleDef, SequenceDef, TableDef, UniqueDef } from "./module-def.ts";
import { constraintName, indexName, scheduleName, sequenceName } from "./naming.ts";
import type { RawIndexAlgorithm } from "./raw-module-def.ts";

const directKinds: ReadonlySet<AlgebraicType["kind"]> = new Set<PrimitiveKind>(["U8", "U16", "U32", "U64"]);

/** Column positions are two bytes wide. */
const columnsMax = 0xffff;
/** Defaults of a sequence. */
export const sequenceDefaults = { start: 1n, min: 1n, max: 2n ** 127n - 1n } as const;

/** A function that a table may be scheduled to call. */
export interface Schedulable {
  readonly name: string;
  /** Whether its one parameter is this row type. */
  takesOnly(typeRef: number): boolean;
}

/** Claims the names that a table's author chose, so that generated names avoid them. */
export function claimChosen(checking: Checking, draft: TableDraft): void {
  const what = `table \`${draft.sourceName}\``;
  const claim = (name: string | undefined, owner: object, text: string): void => {
    if (name !== undefined) checking.objects.claim(name, owner, text);
  };
  claim(draft.name, draft, what);
  claim(draft.sourceName, draft, what);
  const parts = {
    index: draft.indexes,
    "unique constraint": draft.constraints,
    sequence: draft.sequences,
    schedule: draft.schedules,
  };
  for (const [noun, owners] of Object.entries(parts))
    for (const owner of owners) claim(owner.name, owner, `${noun} \`${owner.name}\` of ${what}`);
  for (const index of draft.indexes)
    claim(index.sourceName, index, `index \`${index.name ?? index.sourceName}\` of ${what}`);
}

/** Checks a table and gives its definition; undefined when its row type is unusable. */
export function checkTable(
  checking: Checking,
  draft: TableDraft,
  schedulables: ReadonlyMap<string, Schedulable>,
): TableDef | undefined {
  const what = `table \`${draft.sourceName}\``;
  const { problems } = checking;
  checking.checkIdentifier(draft.name, what);
  if (draft.name.startsWith("st_")) problems.add(`${what}: names that start with \`st_\` belong to the system`);
  if (draft.kind === "system") problems.add(`${what}: a module cannot declare a system table`);

  const columns = checkColumns(checking, draft, what);
  if (columns === undefined) return undefined;
  const over = new ColumnChecks(checking, draft, columns, what);
  const constraints = over.constraints();
  const indexes = over.indexes(constraints);
  const sequences = over.sequences();
  const primaryKey = over.primaryKey(constraints);
  over.uniqueNeedsIndex(constraints, indexes);
  over.defaultsStandAlone(primaryKey, constraints, sequences);
  return {
    name: draft.name,
    accessor: draft.sourceName,
    columns,
    rowType: rowTypeOf(columns),
    typeRef: draft.typeRef,
    primaryKey,
    indexes,
    constraints,
    sequences,
    schedule: over.schedule(primaryKey, schedulables),
    access: draft.access,
    kind: "user",
    isEvent: draft.isEvent,
  };
}

export const rowTypeOf = (columns: readonly ColumnDef[]): ProductType => ({
  kind: "Product",
  elements: columns.map((column) => ({ name: column.name, type: column.type })),
});

function checkColumns(checking: Checking, draft: TableDraft, what: string): readonly ColumnDef[] | undefined {
  const defaults = new Map<number, Uint8Array>();
  for (const entry of draft.defaults) {
    if (defaults.has(entry.column)) checking.problems.add(`${what}: column ${entry.column} has two defaults`);
    defaults.set(entry.column, entry.value);
  }
  const columns = columnsOfRef(checking, draft.typeRef, what);
  if (columns === undefined) return undefined;
  for (const [column, value] of defaults) {
    const type = columns[column]?.type;
    if (type === undefined) checking.problems.add(`${what}: a default names column ${column} of ${columns.length}`);
    else checkDefault(checking, type, value, `${what}, column \`${columns[column]?.name}\``);
  }
  return columns.map((column, i) => ({ ...column, defaultValue: defaults.get(i) }));
}

/** The elements of a row type as columns: named, told apart, without `Ref`s. */
export function columnsOfRef(checking: Checking, typeRef: number, what: string): readonly ColumnDef[] | undefined {
  const { draft, problems } = checking;
  const target = followRefs(draft.typespace, typeRef)?.ref ?? typeRef;
  const type = draft.typespace[target];
  const source = draft.sourceTypespace[target];
  if (type?.kind !== "Product" || source?.kind !== "Product") {
    problems.add(`${what}: its row type, type ${typeRef}, is not a product of the module`);
    return undefined;
  }
  if (type.elements.length > columnsMax)
    problems.add(`${what} has ${type.elements.length} columns; ${columnsMax} is the limit`);
  if (!checking.takeColumns(type.elements.length, what)) return undefined;
  const owners = new Map<string, string>();
  return type.elements.map((element, i): ColumnDef => {
    const accessor = source.elements[i]?.name;
    const name = element.name;
    if (name === undefined || accessor === undefined) {
      problems.add(`${what}: column ${i} has no name`);
      return { name: `col_${i}`, accessor: `col_${i}`, type: { kind: "Bool" }, defaultValue: undefined };
    }
    checking.checkIdentifier(name, `${what}, column \`${accessor}\``);
    const holder = owners.get(name);
    if (holder !== undefined)
      problems.add(
        `${what}: columns \`${holder}\` and \`${accessor}\` are both called \`${name}\` in the database: rename one`,
      );
    owners.set(name, accessor);
    const resolved = checking.resolve(element.type, `${what}, column \`${name}\``);
    return { name, accessor, type: resolved, defaultValue: undefined };
  });
}

function checkDefault(checking: Checking, type: AlgebraicType, value: Uint8Array, where: string): void {
  try {
    const input = new ByteReader(value, "the default");
    valueCodec(type).read(input);
    input.expectEnd();
  } catch (error) {
    if (!isLightconeError(error)) throw error;
    checking.problems.add(`${where}: its default is no ${shortType(type)}: ${error.message}`);
  }
}

/** Checks over a table's columns. One object, so that each rule need not carry the four things they share. */
class ColumnChecks {
  private readonly checking: Checking;
  private readonly draft: TableDraft;
  private readonly columns: readonly ColumnDef[];
  private readonly what: string;

  constructor(checking: Checking, draft: TableDraft, columns: readonly ColumnDef[], what: string) {
    this.checking = checking;
    this.draft = draft;
    this.columns = columns;
    this.what = what;
  }

  constraints(): readonly UniqueDef[] {
    const seen = new Set<string>();
    return this.draft.constraints.flatMap((constraint) => {
      if (!this.areColumns(constraint.columns, "a unique constraint")) return [];
      const key = setKey(constraint.columns);
      if (seen.has(key)) this.problem(`${this.listed(constraint.columns)} made unique twice: once is enough`);
      seen.add(key);
      const name = constraint.name ?? this.free(constraintName(this.draft.name, this.names(constraint.columns)));
      this.claim(name, `unique constraint \`${name}\` of ${this.what}`, constraint);
      return [{ name, columns: constraint.columns }];
    });
  }

  indexes(constraints: readonly UniqueDef[]): readonly IndexDef[] {
    const uniqueSets = new Set(constraints.map((constraint) => setKey(constraint.columns)));
    const seen = new Set<string>();
    return this.draft.indexes.flatMap((index) => {
      const columns = columnsOf(index.algorithm);
      if (!this.areColumns(columns, "an index")) return [];
      const key = `${index.algorithm.kind} ${columns.join()}`;
      if (index.name === undefined && seen.has(key))
        this.problem(`${this.listed(columns)} indexed twice by a ${index.algorithm.kind} index: once is enough`);
      seen.add(key);
      const name = index.name ?? this.nameOf(index, columns);
      const sourceName = this.sourceName(index, name);
      const owner = `index \`${name}\` of ${this.what}`;
      this.claim(name, owner, index);
      if (sourceName !== name) {
        this.checking.checkIdentifier(sourceName, owner);
        this.checking.objects.claim(sourceName, index, owner);
      }
      if (index.algorithm.kind === "direct") this.checkDirect(index.algorithm.column, owner);
      const unique = uniqueSets.has(setKey(columns));
      return [{ name, sourceName, accessor: index.accessor, algorithm: index.algorithm.kind, columns, unique }];
    });
  }

  /** A made-up name may be the source name, which the index has already. */
  private nameOf(index: IndexDraft, columns: readonly number[]): string {
    const name = indexName(this.draft.name, this.names(columns), index.algorithm.kind);
    return name === index.sourceName ? name : this.free(name);
  }

  private free(name: string): string {
    return this.checking.objects.free(name);
  }

  private sourceName(index: IndexDraft, name: string): string {
    if (index.sourceName !== undefined) return index.sourceName;
    if (this.checking.draft.version === 10) this.problem(`index \`${name}\` has no source name`);
    return name;
  }

  private checkDirect(column: number, owner: string): void {
    const type = this.columns[column]?.type;
    if (
      type === undefined ||
      directKinds.has(type.kind) ||
      (type.kind === "Sum" && type.variants.length > 0 && isSimpleEnum(type))
    )
      return;
    this.problem(`${owner}: a direct index needs a column of U8, U16, U32, U64 or an enum without payloads`);
  }

  sequences(): readonly SequenceDef[] {
    const taken = new Set<number>();
    return this.draft.sequences.flatMap((sequence) => {
      const column = this.columns[sequence.column];
      if (column === undefined) {
        this.problem(`a sequence names column ${sequence.column} of ${this.columns.length}`);
        return [];
      }
      const name = sequence.name ?? this.free(sequenceName(this.draft.name, column.name));
      const owner = `sequence \`${name}\` of ${this.what}`;
      this.claim(name, owner, sequence);
      if (!integerKinds.has(column.type.kind))
        this.problem(
          `column \`${column.name}\` is to count up by itself, which only an integer can; it is ${shortType(column.type)}`,
        );
      if (taken.has(sequence.column)) this.problem(`column \`${column.name}\` has two sequences`);
      taken.add(sequence.column);
      const start = sequence.start ?? sequenceDefaults.start;
      const min = sequence.min ?? sequenceDefaults.min;
      const max = sequence.max ?? sequenceDefaults.max;
      const { increment } = sequence;
      if (increment === 0n) this.problem(`${owner}: its increment is zero`);
      if (hasDisorder([sequence.min, sequence.start, sequence.max])) {
        this.problem(`${owner}: min ${min}, start ${start} and max ${max} must not fall`);
      }
      return [{ name, column: sequence.column, start, min, max, increment }];
    });
  }

  primaryKey(constraints: readonly UniqueDef[]): number | undefined {
    const { primaryKey } = this.draft;
    if (primaryKey.length > 1) {
      this.problem(`its primary key has ${primaryKey.length} columns; one is the limit`);
      return undefined;
    }
    const column = primaryKey[0];
    if (column === undefined) return undefined;
    if (!this.areColumns(primaryKey, "the primary key")) return undefined;
    if (!constraints.some((constraint) => setKey(constraint.columns) === String(column))) {
      this.problem(`its primary key \`${this.columns[column]?.name}\` is not unique: it needs a constraint of its own`);
    }
    return column;
  }

  uniqueNeedsIndex(constraints: readonly UniqueDef[], indexes: readonly IndexDef[]): void {
    const indexedSets = new Set(indexes.map((index) => setKey(index.columns)));
    for (const constraint of constraints) {
      if (indexedSets.has(setKey(constraint.columns))) continue;
      this.problem(`${this.listed(constraint.columns)} unique, which needs an index over the same columns`);
    }
  }

  defaultsStandAlone(
    primaryKey: number | undefined,
    constraints: readonly UniqueDef[],
    sequences: readonly SequenceDef[],
  ): void {
    const keys = new Set([primaryKey, ...sequences.map((sequence) => sequence.column)]);
    for (const { columns } of constraints) if (columns.length === 1) keys.add(columns[0]);
    for (const { column } of this.draft.defaults) {
      if (!keys.has(column)) continue;
      this.problem(`column \`${this.columns[column]?.name}\` has a default, so it cannot be unique or auto-increment`);
    }
  }

  schedule(primaryKey: number | undefined, schedulables: ReadonlyMap<string, Schedulable>): ScheduleDef | undefined {
    const [schedule, ...more] = this.draft.schedules;
    if (schedule === undefined) return undefined;
    if (more.length > 0) this.problem(`it has ${more.length + 1} schedules; one is the limit`);
    const name = schedule.name ?? this.free(scheduleName(this.draft.name));
    this.claim(name, `schedule \`${name}\` of ${this.what}`, schedule);
    const at = this.columns[schedule.atColumn];
    if (at === undefined) this.problem(`its schedule names column ${schedule.atColumn} of ${this.columns.length}`);
    else if (specialKind(at.type) !== "ScheduleAt")
      this.problem(`column \`${at.name}\` of its schedule is no ScheduleAt`);
    const id = primaryKey === undefined ? undefined : this.columns[primaryKey];
    if (id?.type.kind !== "U64") this.problem("a scheduled table needs a primary key of type U64");
    const target = schedulables.get(schedule.functionName);
    if (target === undefined) {
      this.problem(`its schedule calls \`${schedule.functionName}\`, which is no reducer or procedure`);
    } else if (!target.takesOnly(this.draft.typeRef)) {
      this.problem(`its schedule calls \`${schedule.functionName}\`, which must take the table's row and nothing else`);
    }
    if (target === undefined || primaryKey === undefined || at === undefined) return undefined;
    return { name, atColumn: schedule.atColumn, idColumn: primaryKey, functionName: target.name };
  }

  /** Whether columns exist and differ; says what is wrong otherwise. */
  private areColumns(columns: readonly number[], noun: string): boolean {
    if (columns.length === 0) this.problem(`${noun} names no column`);
    else if (columns.some((column) => column >= this.columns.length)) {
      const outside = columns.find((column) => column >= this.columns.length);
      this.problem(`${noun} names column ${outside} of ${this.columns.length}`);
    } else if (new Set(columns).size < columns.length) this.problem(`${noun} names a column twice`);
    else return true;
    return false;
  }

  private names(columns: readonly number[]): readonly string[] {
    return columns.map((column) => this.columns[column]?.name ?? `col_${column}`);
  }

  /** The subject of a sentence about columns. */
  private listed(columns: readonly number[]): string {
    const names = this.names(columns).map((name) => `\`${name}\``);
    return names.length === 1 ? `column ${names[0]} is` : `columns ${names.join(", ")} together are`;
  }

  private claim(name: string, text: string, owner: object): void {
    this.checking.checkIdentifier(name, text);
    this.checking.objects.claim(name, owner, text);
  }

  private problem(text: string): void {
    this.checking.problems.add(`${this.what}: ${text}`);
  }
}

function columnsOf(algorithm: RawIndexAlgorithm): readonly number[] {
  return algorithm.kind === "direct" ? [algorithm.column] : algorithm.columns;
}

/** The same for lists of the same columns in any order. */
export const setKey = (columns: readonly number[]): string => columns.toSorted((a, b) => a - b).join();

function hasDisorder(rising: readonly (bigint | undefined)[]): boolean {
  const given = rising.filter((value) => value !== undefined);
  return given.some((value, i) => i > 0 && value < (given[i - 1] ?? value));
}
