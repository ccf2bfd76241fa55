// Goal: modules that the official crate compiled run unchanged on the real engine: descriptions, host calls, outcomes.
// Method: the compiled modules in-process. What a reducer can check itself, it checks (`check_…`) and fails with what differed.
import { readFileSync } from "node:fs";
import { LogLevel } from "@lightcone/host";
import { runInThisContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { rustModule, type RustModuleName } from "../rust-modules.ts";
import { EngineDatabase, type EngineDatabaseOptions, internalCaller, traceCaller } from "./engine-database.ts";

const vectors: { vectors: { id: string; bsatn_hex: string }[] } = JSON.parse(
  readFileSync(new URL("../../vectors/module-def.json", import.meta.url), "utf8"),
);
const described = (id: string) => vectors.vectors.find((vector) => vector.id === id)?.bsatn_hex;

const open = (name: RustModuleName, options?: EngineDatabaseOptions): EngineDatabase => {
  const path = rustModule(name);
  if (path === undefined) throw new Error(`${name} is not built`);
  return new EngineDatabase(readFileSync(path), options);
};
const absent = (name: RustModuleName) => rustModule(name) === undefined;

/** Rows by their generated key: the store gives them in the order of their places. */
const byId = (rows: Record<string, unknown>[]) => rows.toSorted((a, b) => Number(a["id"]) - Number(b["id"]));

/** Runs `work` and ends it after a time, as the database's job loop does. */
function runWithin(timeoutMs: number, work: () => void): void {
  const hook = Symbol.for("lightcone.conformance.work");
  Reflect.set(globalThis, hook, work);
  runInThisContext('globalThis[Symbol.for("lightcone.conformance.work")]()', { timeout: timeoutMs });
}

describe.skipIf(absent("harbor"))("harbor", () => {
  test("describes itself as recorded", () => {
    expect(Buffer.from(open("harbor").instance.description).toString("hex")).toBe(described("harbor-1.12"));
  });

  test("init, unique keys, update through another key, panic", () => {
    const db = open("harbor");
    expect(db.call("open_harbor").kind).toBe("ok");
    expect(db.rows("gauge")).toEqual([{ id: 1, level: -3 }]);
    const boat = (name: string) =>
      db.call("dock_boat", [name, 1, 2, { tag: "Motor", value: 9 }, { length: 1.5, beam: 2 }]);
    expect(boat("Ahti").kind).toBe("ok");
    expect(boat("Ahti")).toMatchObject({ kind: "error", message: expect.stringContaining("boat") });
    expect(boat("")).toEqual({ kind: "error", message: "a boat needs a name" });
    expect(db.call("move_boat", ["Ahti", 3, 4]).kind).toBe("ok");
    expect(db.rows("boat")).toMatchObject([{ id: 1n, name: "Ahti", dock: 3, slot: 4, motto: "onward" }]);
    expect(db.call("capsize")).toMatchObject({ kind: "panic", fatal: true });
    expect(db.rows("gauge")).toHaveLength(1);
    expect(db.callProcedure("refill", [7, 70])).toEqual({ kind: "ok", value: Uint8Array.from([0, 70, 0, 0, 0]) });
    expect(db.rows("gauge")).toHaveLength(2);
  });
});

describe.skipIf(absent("chat"))("chat", () => {
  test("users come and go, names and messages are checked", () => {
    const db = open("chat");
    expect(db.call("identity_connected")).toEqual({ kind: "ok" });
    expect(db.call("set_name", [" "])).toEqual({ kind: "error", message: "Names must not be empty" });
    expect(db.call("set_name", ["Ada"])).toEqual({ kind: "ok" });
    expect(db.call("send_message", [""])).toEqual({ kind: "error", message: "Messages must not be empty" });
    expect(db.call("send_message", ["hi"])).toEqual({ kind: "ok" });
    expect(db.call("identity_disconnected")).toEqual({ kind: "ok" });
    expect(db.rows("user")).toMatchObject([{ name: "Ada", online: false }]);
    expect(db.rows("message")).toMatchObject([{ text: "hi" }]);
    expect(db.call("set_name", ["Bob"], internalCaller)).toEqual({
      kind: "error",
      message: "Cannot set name for unknown user",
    });
  });

  test("arguments that do not decode are a panic, told in the log alone", () => {
    const db = open("chat");
    const id = db.def.reducers.find((reducer) => reducer.name === "send_message")?.id ?? -1;
    expect(db.callRaw(id, Uint8Array.from([9, 0, 0, 0]))).toMatchObject({ kind: "panic", fatal: true });
    expect(db.logs.at(-1)).toMatchObject({ level: LogLevel.panic });
    expect(db.callRaw(99, new Uint8Array(0))).toMatchObject({ kind: "panic", fatal: true });
    expect(db.call("identity_connected")).toEqual({ kind: "ok" });
  });
});

describe.skipIf(absent("bank"))("bank", () => {
  test("transfers keep the sum, refusals change nothing", () => {
    const db = open("bank");
    expect(db.call("open_accounts", [100]).kind).toBe("ok");
    for (let turn = 0; turn < 500; turn += 1) {
      expect(db.call("transfer", [turn % 100, (turn * 7 + 1) % 100, BigInt((turn % 9) + 1)]).kind).toBe(
        turn % 100 === (turn * 7 + 1) % 100 ? "error" : "ok",
      );
    }
    expect(db.call("transfer", [1, 2, 10_000_000n])).toEqual({ kind: "error", message: "insufficient funds" });
    expect(db.call("transfer", [1, 200, 1n])).toEqual({ kind: "error", message: "no such payee" });
    const sum = db.rows("account").reduce((total, row) => total + BigInt(String(row["balance"])), 0n);
    expect(sum).toBe(100_000_000n);
    expect(db.call("open_ranked_accounts", [10]).kind).toBe("ok");
    expect(db.call("transfer_ranked", [1, 2, 5n]).kind).toBe("ok");
  });
});

const showcases = [
  { name: "showcase11", version: "1.11.1" },
  { name: "showcase", version: "1.12.0" },
  { name: "showcase2", version: "2.10.1" },
] as const;

describe.each(showcases)("row tables and the rest: the showcase built with $version", (built) => {
  describe.skipIf(absent(built.name))("runs", () => showcase(built.name));
});

function showcase(name: (typeof showcases)[number]["name"]): void {
  const pass = (db: EngineDatabase, reducer: string, args: readonly unknown[] = []) =>
    expect([reducer, db.call(reducer, args)]).toEqual([reducer, { kind: "ok" }]);
  /** 2.x has variants in another case on the wire. */
  const variant = (tag: string): string => (name === "showcase2" ? tag.toLowerCase() : tag);
  const journal = (db: EngineDatabase) => byId(db.rows("journal")).map((row) => row["entry"]);

  test("columns of every type", () => {
    const db = open(name);
    pass(db, "check_scalars");
    pass(db, "check_composite");
    expect(db.rows("scalars")).toHaveLength(2);
    pass(db, "echo", [
      "text",
      { tag: variant("Green") },
      { tag: variant("Circle"), value: { centre: { x: 1, y: 2 }, radius: 3 } },
      undefined,
      [Uint8Array.of(1), new Uint8Array(0)],
    ]);
    expect(journal(db)).toEqual([
      "text Green Circle(Circle { centre: Point { x: 1.0, y: 2.0 }, radius: 3.0 }) None [[1], []]",
    ]);
  });

  test("generated keys of several widths, some of them given", () => {
    const db = open(name);
    pass(db, "add_sequenced", [0n, 0, 0, 0n, "all generated"]);
    pass(db, "add_sequenced", [100n, 0, -7, 0n, "two given"]);
    pass(db, "add_sequenced", [0n, 50, 0, 5n, "two generated"]);
    expect(journal(db)).toEqual(["1 1 1 1", "100 2 -7 2", "2 50 2 5"]);
    expect(db.call("add_sequenced", [2n, 0, 0, 0n, "taken"]).kind).toBe("error");
    pass(db, "renumber", [2n]);
  });

  test("generated numbers of every width, and the end of a narrow one", () => {
    const db = open(name);
    pass(db, "check_numbered");
    pass(db, "check_narrow");
    expect([db.rows("numbered").length, db.rows("narrow").length]).toEqual([3, 256]);
  });

  test("indexes of every kind, asked in every form", () => {
    const db = open(name);
    pass(db, "fill_scores");
    pass(db, "check_scans");
    pass(db, "check_deletes");
    expect(db.rows("score")).toHaveLength(39);
  });

  test("an open iterator, unique keys, sets", () => {
    const db = open(name);
    pass(db, "fill_scores");
    pass(db, "check_open_iterator");
    pass(db, "check_unique");
    pass(db, "check_set");
    pass(db, "put_badge", ["x"]);
    pass(db, "put_badge", ["y"]);
    expect(db.rows("badge_current").map((row) => row["code"])).toContain("y");
    for (const reducer of ["insert_duplicate", "update_missing"]) {
      expect(db.call(reducer)).toMatchObject({ kind: "panic", fatal: true });
    }
    pass(db, "check_set");
  });

  test("rows and tables beyond a buffer of 64 KiB", () => {
    const db = open(name);
    pass(db, "store_blobs", [200, 1000]);
    pass(db, "check_blobs", [200, 1000]);
    pass(db, "first_blob");
    const large = open(name);
    pass(large, "store_blobs", [3, 300_000]);
    pass(large, "check_blobs", [3, 300_000]);
    pass(large, "measure", [new Uint8Array(1_000_000)]);
    expect(journal(large)).toEqual(["1000000"]);
  });

  test("who calls, with what token, at what time", () => {
    const claims = new TextEncoder().encode(JSON.stringify({ iss: "issuer", sub: "subject", aud: ["a"], iat: 1 }));
    const db = open(name, { claims: new Map([[Buffer.from(traceCaller.connection).toString("hex"), claims]]) });
    pass(db, "init");
    pass(db, "on_connect");
    expect(db.rows("session")).toHaveLength(1);
    pass(db, "on_disconnect");
    expect(db.rows("session")).toEqual([]);
    pass(db, "who_am_i");
    expect(db.call("who_am_i", [], internalCaller).kind).toBe("ok");
    const [, own, internal] = journal(db).map(String);
    expect(own).toContain('claims=Some("issuer subject');
    expect(own).toContain(`database=${"db".repeat(32)} at=1700000000000000 internal=false`);
    expect(own).toContain('connection=Some("00000000000000060000000000000005")');
    expect(internal).toContain("connection=None");
    expect(internal).toContain("internal=true claims=None");
    expect(db.call("on_connect", [], internalCaller)).toEqual({ kind: "error", message: "a connection without an id" });
  });

  test("chance follows from the timestamp alone, as recorded", () => {
    const db = open(name);
    pass(db, "roll");
    pass(db, "roll");
    const [first, second] = journal(db);
    expect(first).toBe(second);
    if (name === "showcase11") return; // It has no UUIDs.
    db.nowMicros = 1_700_000_000_123_456;
    pass(db, "recorded_chance");
    expect(journal(db)[2]).toBe(
      "cbc64a29-9041-44ef-97ce-c1908d883d20 018bcfe5-687b-7000-8000-00003e320210 018bcfe5-687b-7000-8000-00021f2e3143 1108481128972876943",
    );
  });

  test("logs: levels, places, targets, a timer", () => {
    const db = open(name);
    pass(db, "speak");
    expect(db.logs.map((line) => line.level)).toEqual([0, 1, 2, 3, 4, 2, 2]);
    expect(db.logs[0]).toMatchObject({ message: "an error", target: `${name}::life`, file: `${name}/src/life.rs` });
    expect(db.logs[0]?.line).toBeGreaterThan(1);
    expect(db.logs[5]).toMatchObject({ message: "with a target: é🌍", target: "elsewhere" });
    expect(db.logs[6]).toEqual({ level: LogLevel.info, message: 'Timing span "speech \\"quoted\\"": 0ns' });
  });

  test("an error, a panic: nothing stays, the panic's trace is readable", () => {
    const db = open(name);
    expect(db.call("refuse", ["for a reason: é"])).toEqual({ kind: "error", message: "for a reason: é" });
    expect(db.call("panic_now", ["no way"])).toMatchObject({
      kind: "panic",
      fatal: true,
      message: expect.stringContaining(`no way (${name}/src/life.rs:`),
    });
    expect(journal(db)).toEqual([]);
    const line = db.logs.at(-1);
    expect(line).toMatchObject({ level: LogLevel.panic, message: "no way", file: `${name}/src/life.rs` });
    const names = line?.trace?.map((frame) => frame.functionName);
    expect(names?.at(-1)).toBe("__call_reducer__");
    expect(names?.some((name) => name?.includes("panic_now"))).toBe(true);
  });

  test("a call that does not wait for the commit", () => {
    const db = open(name);
    expect(db.call("call_soon", ["later", true]).kind).toBe("error");
    expect(db.scheduled).toEqual([
      { name: "write_entry", args: Uint8Array.from([5, 0, 0, 0, ...Buffer.from("later")]) },
    ]);
  });

  test("timers are rows", () => {
    const db = open(name);
    pass(db, "tick_every", [250n, "m"]);
    pass(db, "tick_in", [250n, "m"]);
    expect(db.rowBytes("tick").map((row) => Buffer.from(row).toString("hex"))).toEqual([
      "01000000000000000090d0030000000000010000006d",
      "02000000000000000190102218240a0600010000006d",
    ]);
    expect(db.call("on_tick", [db.rows("tick")[0]], internalCaller)).toEqual({ kind: "ok" });
    expect(db.call("on_tick", [db.rows("tick")[0]]).kind).toBe("error");
    pass(db, "stop_tick", [1n]);
    expect(db.rows("tick")).toHaveLength(1);
  });

  test("procedures: values, two transactions, one given up, one left open by a trap", () => {
    const db = open(name);
    expect(db.callProcedure("add_up", [[1, 2, 3]])).toEqual({
      kind: "ok",
      value: Uint8Array.from([6, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]),
    });
    expect(db.callProcedure("write_twice", ["e"])).toEqual({
      kind: "ok",
      value: Uint8Array.from([1, 0, 0, 0, 0, 0, 0, 0]),
    });
    if (name !== "showcase11") expect(db.callProcedure("write_and_abort", ["gone"])).toMatchObject({ kind: "ok" });
    expect(journal(db)).toEqual(["e", "e again"]);
    expect(db.callProcedure("panic_in_tx")).toMatchObject({ kind: "panic", fatal: true });
    expect(db.store.isOpen).toBe(false);
    expect(db.logs.at(-1)?.level).toBe(LogLevel.error);
    expect(journal(db)).toEqual(["e", "e again"]);
  });

  test("a loop is ended from outside; its instance is lost, its writes are undone", () => {
    const db = open(name);
    const id = db.def.reducers.find((reducer) => reducer.name === "loop_for_ever")?.id ?? -1;
    db.store.begin();
    const call = () =>
      void db.instance.callReducer({ reducerId: id, ...traceCaller, timestampMicros: 1, args: new Uint8Array(0) });
    expect(() => runWithin(100, call)).toThrow(expect.objectContaining({ code: "ERR_SCRIPT_EXECUTION_TIMEOUT" }));
    db.store.rollback();
    expect(call).toThrow("lost");
    db.reopen();
    expect(journal(db)).toEqual([]);
    pass(db, "check_set");
  });

  test("recursion and memory without end are panics", () => {
    const db = open(name, { memoryPagesMax: 256 });
    pass(db, "store_blobs", [2, 10]);
    for (const reducer of ["recurse_for_ever", "allocate_for_ever"]) {
      expect([reducer, db.call(reducer)]).toMatchObject([reducer, { kind: "panic", fatal: true }]);
    }
    expect(db.store.poisoned).toBe(false);
    expect(journal(db)).toEqual([]);
    pass(db, "check_blobs", [2, 10]);
  });

  // The stack may end in the middle of a change. The store then knows, and refuses to go on: memory is rebuilt.
  test("inserting at every depth of the stack ends in a panic or in a store that says it is broken", () => {
    const db = open(name);
    let ended: unknown;
    try {
      ended = db.call("recurse_inserting");
    } catch (error) {
      ended = error;
    }
    expect(ended).toMatchObject(db.store.poisoned ? { code: "DatabaseStopped" } : { kind: "panic", fatal: true });
  });

  test("rows without end are a limit of the database, which passes through", () => {
    const db = open(name, { bytesMax: 32 * 1024 * 1024 });
    expect(() => db.call("insert_for_ever")).toThrow(expect.objectContaining({ code: "OutOfMemory" }));
    expect(db.rows("blob")).toEqual([]);
    pass(db, "store_blobs", [2, 10]);
  });
}
