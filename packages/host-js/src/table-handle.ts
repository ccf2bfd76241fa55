/**
 * The objects behind `ctx.db.<table>`, as code generated for each table: its row literal and its keys are
 * known when it is compiled, so that a `find` is one key written, one look-up, one row read in place.
 *
 *   find     key → scratch → port.find → port.resolve → the row's bytes → object
 *   insert   object → scratch → port.insert → the row as it stands there now: read back, or put together from a copy
 *            of the object where each column says by itself what became of it
 *
 * Generated code never catches: time-outs and limits that are met pass. It runs in the module's realm and
 * hands nothing of the host's own to the module but value classes, which are hardened.
 */
import { defined } from "@lightcone/base";
import type { HostPort } from "@lightcone/host";
import { product, valueCodec, type ValueCodec } from "@lightcone/sats";
import type { GuestClasses } from "./guest-classes.ts";
import { rowTypeOf, type TableIndex } from "./describe.ts";
import type { TableShape } from "./shapes.ts";
import { type PlainCode, plainCode } from "./plain-row.ts";
import type { Sandbox } from "./sandbox.ts";
import type { Scratch } from "./scratch.ts";
import { wrong } from "./shape-reader.ts";

export interface TableBinding {
  /** What the module sees. */
  readonly handle: object;
  /** Tells the code the ids that the database gave, tables first, then indexes in their order. */
  bind(ids: readonly number[]): void;
}

const methodNames = new Set(["insert", "delete", "count", "iter", "clear"]);

/** Makes a binding to a port. What was compiled for the table is the same for all of them. */
export type MakeTableBinding = (port: HostPort, scratch: Scratch) => TableBinding;

export function prepareTable(
  table: TableShape,
  indexes: readonly TableIndex[],
  tools: { readonly sandbox: Sandbox; readonly classes: GuestClasses },
): MakeTableBinding {
  const { compile } = tools.sandbox;
  const { Range, fail } = tools.classes;
  const keys = indexes.map(({ columns }) => columns.map((column) => keyCodec(table, column, compile)));
  const source = handleSource(table, indexes);
  const make = compile(["port", "scratch", "codec", "keys", "Range", "fail"], source, `table ${table.key}`);
  const codec = valueCodec(rowTypeOf(table), [], compile);
  return (port, scratch) => make(port, scratch, codec, keys, Range, fail) as TableBinding;
}

/** @throws {LightconeError} `SchemaInvalid` when an index cannot be reached by its name */
export function checkAccessors(table: TableShape, indexes: readonly TableIndex[]): void {
  const seen = new Set<string>();
  for (const { accessor } of indexes) {
    const what = `table \`${table.key}\`, index \`${accessor}\``;
    if (methodNames.has(accessor))
      wrong(`${what}: \`${accessor}\` is a method of every table, so an index needs another accessor`);
    if (seen.has(accessor))
      wrong(`${what}: two indexes have this accessor; a column's own index has the column's name`);
    seen.add(accessor);
  }
}

/** A codec of one column, under the column's name so that an error says which. */
function keyCodec(table: TableShape, column: number, compile: Sandbox["compile"]): ValueCodec {
  const { name, type } = defined(table.columns[column], "an index's column");
  return valueCodec(product({ [name]: type }), [], compile);
}

const quote = (name: string): string => JSON.stringify(name);
/** A property of a literal; `__proto__` would mean something else. */
const literal = (name: string): string => (name === "__proto__" ? `["__proto__"]` : quote(name));

/** Statements that write `value` as `codec` does, do `act` with `out`, and give the room back. */
function withWritten(
  plain: PlainCode | undefined,
  values: readonly string[],
  act: (length: string) => string,
  encode: string,
): string {
  const general = `const out = scratch.take();
      ${encode}
      ${act("out.length")}
      scratch.free = out;`;
  if (plain === undefined) return general;
  // Nothing of the module's runs between the first byte and the last: the room need not be lent.
  return `const room = scratch.free;
      if (room !== undefined && ${plain.fits(values)}) {
        const out = room, view = out.view;
        ${plain.writes(values)}
        ${act(String(plain.bytes))}
      } else {
        ${general}
      }`;
}

function handleSource(table: TableShape, indexes: readonly TableIndex[]): string {
  const plain = plainCode(table.columns.map(({ type }) => type));
  const columns = table.columns.map(({ name }) => `made[${quote(name)}]`);
  const literals = plain?.reads().map((read, column) => `${literal(nameOf(table, column))}: ${read}`);
  const copy = table.columns.map(({ name }) => `${literal(name)}: row[${quote(name)}]`).join(", ");
  // What is left out of an insert gets the next number, as 0 does.
  const generated = table.columns.flatMap(({ name, type, autoInc }) =>
    autoInc ? [`made[${quote(name)}] ??= ${Number(type.kind.slice(1)) > 32 ? "0n" : "0"};`] : [],
  );
  const ids = ["T", ...indexes.map((_, position) => `I${position}`)];
  return `
    let ${ids.map((id) => `${id} = 0`).join(", ")};
    const { reader } = scratch;
    const none = new Uint8Array(0);
    const open = { kind: "unbounded" };
    const { fround } = Math;
    const bad = (text) => { throw new TypeError(text); };
    const check = (result) => result < 0 ? fail(-result, port.failure()) : result;
    const read = (ref) => {
      port.resolve(ref);
      const place = port.row;
      ${
        literals === undefined
          ? `reader.set(place.bytes, place.view, place.at, place.at + place.length);
      return codec.read(reader);`
          : `const view = place.view, at = place.at;
      return { ${literals.join(", ")} };`
      }
    };
    const copy = (row) => {
      if (typeof row !== "object" || row === null) bad(${quote(`a row of \`${table.key}\` is an object`)});
      return { ${copy} };
    };
    class Rows extends Iterator {
      #scan;
      constructor(scan) {
        super();
        if (typeof scan === "number") fail(-scan, port.failure());
        this.#scan = scan;
      }
      next() {
        const scan = this.#scan;
        if (scan === undefined) return { value: undefined, done: true };
        const ref = scan.next();
        if (ref >= 0) return { value: read(ref), done: false };
        this.#scan = undefined;
        return { value: undefined, done: true };
      }
      return(value) {
        this.#scan?.close();
        this.#scan = undefined;
        return { value, done: true };
      }
    }
    // The class itself stays here: whoever had it could make rows of numbers of their own.
    Object.defineProperty(Rows.prototype, "constructor", { value: Iterator });
    Object.freeze(Rows.prototype);
    Object.freeze(Rows);
    const written = (codec, value) => {
      const out = scratch.take();
      codec.write(out, value);
      const bytes = out.bytes.slice(0, out.length);
      scratch.free = out;
      return bytes;
    };
    const boundOf = (bound, codec, name) => {
      const tag = bound.tag;
      if (tag === "unbounded") return open;
      if (tag !== "included" && tag !== "excluded") bad("a bound's tag is included, excluded or unbounded");
      return { kind: tag, bytes: written(codec, { [name]: bound.value }) };
    };
    ${storedSource(table)}
    const iter = () => new Rows(port.scanTable(T));
    const handle = {
      insert(row) {
        const made = copy(row);
        ${generated.join(" ")}
        let ref;
        ${withWritten(plain, columns, (length) => `ref = check(port.insert(T, out.bytes, 0, ${length}));`, `codec.write(out, made);`)}
        return stored(made, ref);
      },
      delete(row) {
        const made = copy(row);
        const out = scratch.take();
        out.u32(1);
        codec.write(out, made);
        const count = check(port.deleteRows(T, out.bytes.subarray(0, out.length)));
        scratch.free = out;
        return count > 0;
      },
      count: () => BigInt(check(port.rowCount(T))),
      clear: () => BigInt(check(port.clear(T))),
      iter,
      [Symbol.iterator]: iter,
      ${indexes.map((index, position) => `${literal(index.accessor)}: ${indexSource(table, index, position)},`).join("\n")}
    };
    return { handle, bind(ids) { [${ids.join(", ")}] = ids; } };`;
}

/**
 * `stored`: a row as it was stored, given what it was made of and where it stands. A column that holds a part with
 * parts of its own has it read back: it may share them with others, hold more than its type says, or less.
 */
function storedSource(table: TableShape): string {
  const values = table.columns.map(({ name, type }) => asStored(type.kind, `row[${quote(name)}]`));
  if (values.includes(undefined)) return "const stored = (row, ref) => read(ref);";
  const changed = table.columns.flatMap(({ name }, column) => {
    const place = `row[${quote(name)}]`;
    return values[column] === place ? [] : [`${place} = ${values[column]};`];
  });
  const generated = table.columns.filter(({ autoInc }) => autoInc);
  const reads = generated.map(
    ({ name, type }) => `if (row[${quote(name)}] == 0) row[${quote(name)}] = ${readInteger(type.kind)};`,
  );
  const patch = `const bytes = port.generated;
      if (bytes.length > 0) {
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
        let at = 0;
        ${reads.join("\n")}
      }`;
  return `const stored = (row, ref) => { ${changed.join(" ")} ${generated.length === 0 ? "" : patch} return row; };`;
}

/** An expression of what a column holds after it was written as `value`; undefined when only reading it tells. */
function asStored(kind: string, value: string): string | undefined {
  switch (kind) {
    case "Product":
    case "Sum":
    case "Array":
      return undefined;
    case "F32":
      return `fround(${value})`;
    case "I8":
    case "U8":
    case "I16":
    case "U16":
    case "I32":
    case "U32":
      return `${value} + 0`; // which makes 0 of -0
    default:
      return value;
  }
}

/** An expression that reads an integer at `at` and steps over it. */
function readInteger(kind: string): string {
  const bits = Number(kind.slice(1));
  const size = bits / 8;
  const signed = kind.startsWith("I");
  const big = (offset: number, isSigned: boolean): string =>
    `view.getBig${isSigned ? "Int" : "Uint"}64(at - ${size} + ${offset}, true)`;
  if (bits <= 32) return `(at += ${size}, view.get${signed ? "Int" : "Uint"}${bits}(at - ${size}, true))`;
  const words = Array.from({ length: bits / 64 }, (_, word) => {
    const top = word === bits / 64 - 1;
    return word === 0 ? big(0, signed && top) : `(${big(word * 8, signed && top)} << ${word * 64}n)`;
  });
  return `(at += ${size}, ${words.join(" | ")})`;
}

function indexSource(table: TableShape, index: TableIndex, position: number): string {
  return index.unique ? uniqueSource(table, index, position) : scanSource(table, index, position);
}

const nameOf = (table: TableShape, column: number | undefined): string => table.columns[column ?? 0]?.name ?? "";

/** Statements that write a whole key and do `act` with it. */
function withKey(table: TableShape, index: TableIndex, position: number, act: (length: string) => string): string {
  const only = index.columns.length === 1 ? table.columns[index.columns[0] ?? 0] : undefined;
  const plain = only === undefined ? undefined : plainCode([only.type]);
  return withWritten(plain, ["key"], act, wholeKey(table, index, position));
}

/** Statements that write a whole key into `out`. */
function wholeKey(table: TableShape, index: TableIndex, position: number): string {
  if (index.columns.length === 1)
    return `keys[${position}][0].write(out, { ${literal(nameOf(table, index.columns[0]))}: key });`;
  const text = quote(`\`${table.key}.${index.accessor}\` takes a list of ${index.columns.length} values`);
  const writes = index.columns.map(
    (column, part) => `keys[${position}][${part}].write(out, { ${literal(nameOf(table, column))}: key[${part}] });`,
  );
  return `if (!Array.isArray(key) || key.length !== ${index.columns.length}) bad(${text});\n${writes.join("\n")}`;
}

function uniqueSource(table: TableShape, index: TableIndex, position: number): string {
  const plain = plainCode(table.columns.map(({ type }) => type));
  const columns = table.columns.map(({ name }) => `made[${quote(name)}]`);
  const update = (length: string): string => `ref = check(port.update(T, I${position}, out.bytes, 0, ${length}));`;
  return `{
    find(key) {
      let ref;
      ${withKey(table, index, position, (length) => `ref = port.find(I${position}, out.bytes, 0, ${length});`)}
      if (ref >= 0) return read(ref);
      return ref === -1 ? null : fail(-ref - 1, port.failure());
    },
    delete(key) {
      let count;
      ${withKey(table, index, position, (length) => `count = check(port.deletePoint(I${position}, out.bytes, 0, ${length}));`)}
      return count > 0;
    },
    update(row) {
      const made = copy(row);
      let ref;
      ${withWritten(plain, columns, update, `codec.write(out, made);`)}
      return stored(made, ref);
    },
  }`;
}

function scanSource(table: TableShape, index: TableIndex, position: number): string {
  const count = index.columns.length;
  const point = (method: string): string => `{
      let result;
      ${withKey(table, index, position, (length) => `result = port.${method}(I${position}, out.bytes, 0, ${length});`)}
      return result;
    }`;
  const names = index.columns.map((column) => quote(nameOf(table, column))).join(", ");
  const isPoint =
    index.algorithm === "hash"
      ? "true"
      : count === 1
        ? "!(key instanceof Range)"
        : `Array.isArray(key) && key.length === ${count} && !(key[${count - 1}] instanceof Range)`;
  const tooMany = quote(
    `\`${table.key}.${index.accessor}\` takes 1 to ${count} values, of which the last may be a Range`,
  );
  return `(() => {
    const names = [${names}];
    const scanPoint = (key) => ${point("scanPoint")};
    const deletePoint = (key) => ${point("deletePoint")};
    const range = (given, act) => {
      const parts = Array.isArray(given) ? [...given] : [given];
      if (parts.length < 1 || parts.length > ${count}) bad(${tooMany});
      const last = parts[parts.length - 1];
      const ranged = last instanceof Range;
      const columns = ranged ? parts.length - 1 : parts.length;
      const out = scratch.take();
      for (let part = 0; part < columns; part++) keys[${position}][part].write(out, { [names[part]]: parts[part] });
      const prefix = columns === 0 ? none : out.bytes.slice(0, out.length);
      scratch.free = out;
      const from = ranged ? boundOf(last.from, keys[${position}][columns], names[columns]) : open;
      const to = ranged ? boundOf(last.to, keys[${position}][columns], names[columns]) : open;
      return act(prefix, columns, from, to);
    };
    const scanRange = (prefix, columns, from, to) => port.scanRange(I${position}, prefix, columns, from, to);
    const deleteRange = (prefix, columns, from, to) => port.deleteRange(I${position}, prefix, columns, from, to);
    return {
      filter: (key) => new Rows(${isPoint} ? scanPoint(key) : range(key, scanRange)),
      delete: (key) => check(${isPoint} ? deletePoint(key) : range(key, deleteRange)),
    };
  })()`;
}
