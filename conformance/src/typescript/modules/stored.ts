/** Tables of each kind that rows are put together for in another way, and what their methods give back. */
import { schema, t, table } from "lightcone/module";

const Point = t.object("Point", { x: t.f32(), names: t.array(t.string()) });
const spacetime = schema({
  plain: table({}, { id: t.u32().primaryKey().autoInc(), narrow: t.f32(), wide: t.f64(), small: t.i8() }),
  text: table({}, { id: t.u64().primaryKey().autoInc(), narrow: t.f32(), text: t.string() }),
  parts: table(
    {},
    { id: t.u64().primaryKey().autoInc(), point: Point, bytes: t.byteArray(), note: t.string().optional() },
  ),
  flash: table({ event: true }, { point: Point }),
  name: table({}, { name: t.string().primaryKey(), point: Point }),
});
export default spacetime;

const show = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) =>
    typeof part === "bigint" ? String(part) : Object.is(part, -0) ? "-0" : part,
  );
const caught = (act: () => unknown): string => {
  try {
    return show(act());
  } catch (error) {
    return String(error);
  }
};
const half = "a\ud800b";

export const run = spacetime.reducer((ctx) => {
  const { plain, text, parts, flash, name } = ctx.db;
  const one = plain.insert({ id: 0, narrow: 0.1, wide: 0.1, small: -0 });
  console.info("plain", show(one), show(plain.id.find(one.id)));
  console.info(
    "plain updated",
    show(plain.id.update({ id: 1, narrow: 1e40, wide: -0, small: 1 })),
    show(plain.id.find(1)),
  );
  const two = text.insert({ id: 0n, narrow: 0.1, text: "🌍" });
  console.info("text", show(two), show(text.id.find(two.id)));
  const given = { id: 0n, point: { x: 0.1, names: ["a"], more: true }, bytes: new Uint8Array([1]), note: null };
  const three = parts.insert(given);
  given.point.names.push("changed afterwards");
  given.bytes[0] = 9;
  console.info("parts", show(three), show(parts.id.find(1n)), "note" in three);
  console.info("left out", show(parts.id.update({ id: 1n, point: { x: 1, names: [] }, bytes: new Uint8Array() })));
  console.info("event", show(flash.insert(given)));
  console.info(
    "half a pair",
    caught(() => text.insert({ id: 0n, narrow: 0, text: half })),
  );
  console.info(
    "half a pair, long",
    caught(() => text.insert({ id: 0n, narrow: 0, text: "é".repeat(100) + half })),
  );
  console.info(
    "half a pair within",
    caught(() => flash.insert({ point: { x: 0, names: ["fine", half] } })),
  );
  console.info(
    "half a key",
    caught(() => name.name.find(half)),
  );
  console.info(
    "half a key, update",
    caught(() => name.name.update({ name: half, point: { x: 0, names: [] } })),
  );
});
