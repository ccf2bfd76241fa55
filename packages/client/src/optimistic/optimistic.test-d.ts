// Goal: a guess has the types of the module's own reducer, and wrong use does not compile.
// Method: compiled, never run. `is` compares types exactly; each expected error stands under its reason.
import { schema, SenderError, t, table, type InferSchema, type ReducerCtx } from "@lightcone/module";
import type { Identity } from "@lightcone/sats";
import { connect } from "../connect.ts";
import { optimistic, type GuessCtx, type GuessView, type Optimistic } from "./optimistic.ts";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function is<A, B>(same: Same<A, B>): void;

const board = schema({
  card: table(
    { public: true, indexes: [{ accessor: "byPlace", algorithm: "btree", columns: ["column", "place"] }] },
    { id: t.u64().primaryKey().autoInc(), column: t.string(), place: t.u32(), by: t.identity().optional() },
  ),
  audit: table({}, { text: t.string() }),
});
type Ctx = ReducerCtx<InferSchema<typeof board>>;
// A function that the module and the page share.
function moveTo(ctx: Ctx, { id, column }: { id: bigint; column: string }): void {
  const card = ctx.db.card.id.find(id);
  if (card === null) throw new SenderError("no such card");
  ctx.db.card.id.update({ ...card, column });
  ctx.db.audit.insert({ text: column });
}
const module = {
  default: board,
  moveCard: board.reducer({ id: t.u64(), column: t.string() }, moveTo),
  addCard: board.reducer({ column: t.string(), by: t.identity().optional() }, t.u64(), (ctx, { column }) => {
    return ctx.db.card.insert({ column, place: 0 }).id;
  }),
  tidyUp: board.reducer(() => {}),
  count: board.procedure(t.u64(), () => 1n),
  came: board.clientConnected(() => {}),
  mine: board.view({ public: true }, t.array(board.tables.card.rowType), () => []),
};
type Board = typeof module;

const guesses = optimistic<Board>({
  // The shared function, the reducer itself, and one beside it.
  moveCard: moveTo,
  addCard: module.addCard,
  tidyUp: (ctx, args) => {
    is<typeof ctx, GuessCtx<Board>>(true);
    is<typeof args, Record<never, never>>(true);
    is<typeof ctx.sender, Identity>(true);
    for (const card of ctx.db.card.byPlace.filter(["done", 5])) ctx.db.card.id.delete(card.id);
    type Card = { id: bigint; column: string; place: number; by: Identity | undefined };
    is<typeof ctx.db.mine, GuessView<Card>>(true);
    for (const card of ctx.db.mine) ctx.db.mine.delete(card);
  },
});
is<typeof guesses, Optimistic>(true);
connect<Board>({ uri: "http://server", database: "board", optimistic: guesses });
optimistic<Board>({ moveCard: module.moveCard });
optimistic<Board>({ addCard: (ctx, { column, by }) => ctx.db.card.insert({ column, place: 0, by }) });
optimistic<Board>({});

// What is made without types takes any names.
optimistic({ moveCard: (ctx, args) => ctx.db["card"].insert(args) });

// @ts-expect-error no such reducer
optimistic<Board>({ moveCards: () => {} });
// @ts-expect-error a procedure is not guessed
optimistic<Board>({ count: () => {} });
// @ts-expect-error nor what the database calls by itself
optimistic<Board>({ came: () => {} });
// @ts-expect-error another reducer's function: an argument is missing
optimistic<Board>({ tidyUp: moveTo });
// @ts-expect-error a guess is made at once
optimistic<Board>({ moveCard: async () => {} });
// @ts-expect-error no such table
optimistic<Board>({ tidyUp: (ctx) => ctx.db.cards.clear() });
// @ts-expect-error a column of another type
optimistic<Board>({ tidyUp: (ctx) => ctx.db.card.insert({ column: 5, place: 0 }) });
// @ts-expect-error a key of another type
optimistic<Board>({ tidyUp: (ctx) => ctx.db.card.id.delete(5) });
// @ts-expect-error a view has no indexes
optimistic<Board>({ tidyUp: (ctx) => ctx.db.mine.id.find(5n) });
// @ts-expect-error `connect` takes what `optimistic` makes
connect<Board>({ uri: "", database: "", optimistic: { moveCard: moveTo } });
