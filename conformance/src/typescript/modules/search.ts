/** Looks a caller's word up in stored text, as any search does. */
import { schema, t, table } from "lightcone/module";

const spacetime = schema({
  page: table({ public: true }, { id: t.u32().primaryKey().autoInc(), text: t.string() }),
  found: table({ public: true }, { id: t.u32().primaryKey().autoInc(), how: t.string(), count: t.i32() }),
});
export default spacetime;

export const write = spacetime.reducer({ letter: t.string(), count: t.u32() }, (ctx, { letter, count }) => {
  ctx.db.page.insert({ id: 0, text: letter.repeat(count) });
});

export const search = spacetime.reducer({ how: t.string(), word: t.string() }, (ctx, { how, word }) => {
  for (const { text } of ctx.db.page) {
    const ways: Record<string, () => number> = {
      includes: () => Number(text.includes(word)),
      indexOf: () => text.indexOf(word),
      lastIndexOf: () => text.lastIndexOf(word),
      split: () => text.split(word).length,
      replaceAll: () => text.replaceAll(word, "").length,
      pattern: () => Number(new RegExp(word, "i").test(text)),
    };
    ctx.db.found.insert({ id: 0, how, count: ways[how]?.() ?? 0 });
  }
});

export const makeMany = spacetime.reducer({ count: t.u32() }, (ctx, { count }) => {
  ctx.db.found.insert({ id: 0, how: "many", count: Array(count).fill(0).length });
});
