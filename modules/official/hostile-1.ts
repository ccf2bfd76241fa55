/** Asks the host for what no bundle should, by its own functions, and says what came of it. Line 1.12. */
import * as sys from "spacetime:sys@1.0";
import * as sys2 from "spacetime:sys@1.2";
import * as sys3 from "spacetime:sys@1.3";
import { schema, SenderError, t, table } from "spacetimedb/server";

const things = table(
  { name: "thing", public: true, indexes: [{ name: "byPair", algorithm: "btree", columns: ["a", "b"] }] },
  { id: t.u64().primaryKey().autoInc(), a: t.u32(), b: t.string() },
);
const stdb = schema(things);

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const row = (id: number, a: number, b: string): number[] => [
  id,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  a,
  0,
  0,
  0,
  b.length,
  0,
  0,
  0,
  ...Array.from(b, (c) => c.charCodeAt(0)),
];
const detached = (): Uint8Array => {
  const view = new Uint8Array(64);
  view.buffer.transfer();
  return view;
};
const shrunk = (): Uint8Array => {
  const buffer = new ArrayBuffer(64, { maxByteLength: 128 });
  const view = new Uint8Array(buffer, 4, 17);
  buffer.resize(2);
  return view;
};
/** Says of itself what is not so. */
class Odd extends Uint8Array {
  override get length(): number {
    return (touched += 1);
  }
  override slice(): never {
    throw (touched += 1);
  }
}
let touched = 0;
const trap = {
  valueOf: () => (touched += 1),
  toString: () => `${(touched += 1)}`,
  get length() {
    return (touched += 1);
  },
};
const proxied = new Proxy(new Uint8Array(8), { get: () => (touched += 1) });
let kept = 0;
const any = sys as unknown as Record<string, (...values: unknown[]) => unknown>;
const thing = (): number => sys.table_id_from_name("thing");
const index = (): number => sys.index_id_from_name("thing_a_b_idx_btree");
const fill = (count: number): void => {
  const id = thing();
  for (let at = 0; at < count; at++) {
    const made = row(0, at % 3, `b${at}`);
    sys.datastore_insert_bsatn(id, bytes(...made));
  }
};
const drain = (iterator: number, room = 4096): string => {
  let total = 0;
  for (;;) {
    const { 0: isDone, 1: rows } = sys.row_iter_bsatn_advance(iterator, room);
    total += rows.length;
    if (isDone) return `${total} bytes`;
  }
};

const probes: Record<string, () => unknown> = {
  "a name that is none": () => any["table_id_from_name"](1),
  "a name that is an object": () => any["table_id_from_name"](trap),
  "no arguments": () => any["index_id_from_name"](),
  "a table that is not there": () => sys.table_id_from_name("nothing"),
  "an index that is not there": () => sys.index_id_from_name("nothing"),
  "ids that are none": () =>
    [-1, 1.5, 2 ** 32, NaN, "1", 1n, null, trap, [1]]
      .map((id) => shown(() => any["datastore_table_row_count"](id)))
      .join(";"),
  "tables without such an id": () =>
    [0, 99_999, 2 ** 32 - 1].map((id) => shown(() => sys.datastore_table_row_count(id))).join(";"),
  "a system table is not written": () => shown(() => sys.datastore_insert_bsatn(1, bytes(0))),
  "buffers that are none": () =>
    [null, 4096, "x", new ArrayBuffer(64), new Uint16Array(4), trap, proxied, [1, 2]]
      .map((buffer) => shown(() => any["datastore_insert_bsatn"](thing(), buffer)))
      .join(";"),
  "a buffer that is gone": () => sys.datastore_insert_bsatn(thing(), detached()),
  "a buffer that has shrunk": () => sys.datastore_insert_bsatn(thing(), shrunk()),
  "bytes that lie about themselves": () => sys.datastore_insert_bsatn(thing(), new Odd(row(9, 1, "x"))),
  "a row that is none": () =>
    [0, 3, 11].map((length) => shown(() => sys.datastore_insert_bsatn(thing(), new Uint8Array(length)))).join(";"),
  "a row of another table's id": () => sys.datastore_insert_bsatn(99_999, bytes(...row(1, 1, "x"))),
  "an update of nothing": () =>
    sys.datastore_update_bsatn(thing(), sys.index_id_from_name("thing_id_idx_btree"), bytes(...row(77, 1, "x"))),
  "an update by an index that is not unique": () =>
    sys.datastore_update_bsatn(thing(), index(), bytes(...row(77, 1, "x"))),
  "the same key twice": () => {
    sys.datastore_insert_bsatn(thing(), bytes(...row(5, 1, "x")));
    return sys.datastore_insert_bsatn(thing(), bytes(...row(5, 2, "y")));
  },
  "an iterator that is none": () =>
    [0, 1, 77].map((iterator) => shown(() => sys.row_iter_bsatn_advance(iterator, 8))).join(";"),
  "an iterator that was read to its end": () => {
    fill(3);
    const iterator = sys.datastore_table_scan_bsatn(thing());
    return `${drain(iterator)};${shown(() => sys.row_iter_bsatn_close(iterator))}`;
  },
  "an iterator that was closed": () => {
    const iterator = sys.datastore_table_scan_bsatn(thing());
    sys.row_iter_bsatn_close(iterator);
    return shown(() => sys.row_iter_bsatn_close(iterator));
  },
  "room for no row": () => {
    fill(2);
    const iterator = sys.datastore_table_scan_bsatn(thing());
    return (
      [0, 1, 17].map((room) => shown(() => sys.row_iter_bsatn_advance(iterator, room))).join(";") + drain(iterator, 18)
    );
  },
  "an iterator is kept for later": () => {
    fill(3);
    kept = sys.datastore_table_scan_bsatn(thing());
    return "kept";
  },
  "an iterator of an earlier call": () => sys.row_iter_bsatn_advance(kept, 64),
  "iterators without end": () => {
    fill(1);
    for (let count = 0; ; count++) {
      const result = shown(() => sys.datastore_table_scan_bsatn(thing()));
      if (result.includes("Error")) return `${count} ${result}`;
    }
  },
  "rows written under an iterator": () => {
    fill(4);
    const iterator = sys.datastore_table_scan_bsatn(thing());
    for (const { id } of [...Array(9).keys()].map((each) => ({ id: each })))
      sys.datastore_delete_all_by_eq_bsatn(thing(), bytes(1, 0, 0, 0, ...row(id, id % 3, `b${id}`)));
    fill(9);
    return drain(iterator);
  },
  "bounds that are none": () =>
    [[3], [], [0], [2, 2], [1, 0, 0]]
      .map((bound) =>
        shown(() => sys.datastore_index_scan_range_bsatn(index(), bytes(), 0, bytes(...bound), bytes(...bound))),
      )
      .join(";"),
  "a prefix of too many columns": () =>
    [1, 2, 3, 65_536]
      .map((columns) =>
        shown(() => sys.datastore_index_scan_range_bsatn(index(), bytes(1, 0, 0, 0), columns, bytes(2), bytes(2))),
      )
      .join(";"),
  "a point that is none": () =>
    [0, 3, 9]
      .map((length) => shown(() => sys3.datastore_index_scan_point_bsatn(index(), new Uint8Array(length))))
      .join(";"),
  "rows to delete that are none": () =>
    [0, 3, 5]
      .map((length) =>
        shown(() => sys.datastore_delete_all_by_eq_bsatn(thing(), bytes(9, 0, 0, 0, 1).subarray(0, length))),
      )
      .join(";"),
  "levels, timers": () =>
    [() => any["console_log"](300, "x"), () => any["console_log"](2, trap), () => sys.console_timer_end(77)]
      .map(shown)
      .join(";"),
  "timers without end": () => {
    for (let count = 0; ; count++) {
      const result = shown(() => sys.console_timer_start("x"));
      if (result.includes("Error")) return `${count} ${result}`;
    }
  },
  "connections that are none": () =>
    [-1n, 1n << 128n, 5, "1", trap].map((id) => shown(() => any["get_jwt_payload"](id))).join(";"),
  "bytes that are none": () =>
    [null, trap, [1], new ArrayBuffer(2), proxied, detached()]
      .map((given) => shown(() => any["volatile_nonatomic_schedule_immediate"]("nothing", given)))
      .join(";"),
  "another transaction": () => sys2.procedure_start_mut_tx(),
  "a request within a transaction": () => sys2.procedure_http_request(new Uint8Array(3), ""),
  "nothing of these was touched": () => touched,
};

function shown(run: () => unknown): string {
  try {
    return String(run());
  } catch (error) {
    if (error instanceof Error) return `${error.name}: ${error.message}`;
    return JSON.stringify(error);
  }
}

stdb.reducer("probe", { name: t.string() }, (_ctx, { name }) => {
  throw new SenderError(shown(probes[name] ?? (() => "there is no such probe")));
});
stdb.procedure("probe_apart", { name: t.string() }, t.string(), (ctx, { name }) => {
  let said = "";
  try {
    ctx.withTx(() => {
      said = shown(probes[name] ?? (() => "there is no such probe"));
      throw new RangeError("undone");
    });
  } catch {}
  return said;
});
stdb.procedure("names", t.string(), () => JSON.stringify(Object.keys(probes)));
stdb.reducer("throws_odd", { which: t.u32() }, (_ctx, { which }) => {
  const odd: unknown[] = [
    undefined,
    { __terminated__: "by itself" },
    { __code_error__: 12 },
    new Proxy(
      {},
      {
        get: () => {
          throw 1;
        },
        getPrototypeOf: () => {
          throw 2;
        },
      },
    ),
    Object.create(SenderError.prototype, {
      message: {
        get: () => {
          throw {
            toString: () => {
              throw 3;
            },
          };
        },
      },
    }),
    Object.assign(new SenderError("x"), {
      message: {
        toString: () => {
          throw 1;
        },
      },
    }),
  ];
  throw odd[which];
});
stdb.reducer("recurses", {}, () => {
  const again = (): number => 1 + again();
  again();
});
stdb.reducer("goes_on", {}, (ctx) => {
  ctx.db.thing.insert({ id: 0n, a: 1, b: "on" });
  for (const { id } of ctx.db.thing.iter()) ctx.db.thing.id.delete(id);
});
