/** A shop: who is there, what is sold, orders that are shipped a while later. Written for the package `spacetimedb` 2.x. */
import { ScheduleAt, type Identity } from "spacetimedb";
import { errors, schema, SenderError, t, table, type InferSchema, type ReducerCtx } from "spacetimedb/server";

const Status = t.enum("Status", ["open", "shipped", "cancelled"]);
const Price = t.object("Price", { amount: t.u64(), currency: t.string() });
const Payment = t.enum("Payment", { cash: t.unit(), card: t.string(), split: t.array(Price) });

const customer = table(
  { public: true },
  { identity: t.identity().primaryKey(), name: t.option(t.string()), online: t.bool(), visits: t.u32() },
);
const item = table(
  { name: "goods", public: true },
  {
    id: t.u32().primaryKey().autoInc(),
    sku: t.string().unique(),
    price: Price,
    inStock: t.u32(),
    tags: t.array(t.string()),
    shelf: t.string().default("main"),
    weight: t.f32(),
  },
);
const order = table(
  {
    public: true,
    indexes: [
      { accessor: "byBuyer", algorithm: "btree", columns: ["buyer", "status"] },
      { accessor: "byNumber", algorithm: "btree", columns: ["buyer", "number"] },
    ],
  },
  {
    id: t.u64().primaryKey().autoInc(),
    buyer: t.identity(),
    number: t.u32(),
    itemId: t.u32().index(),
    count: t.u32(),
    status: Status,
    paid: Payment,
    note: t.string().optional(),
  },
);
const sale = table({ public: true, event: true }, { sku: t.string(), count: t.u32() });
const shipment = table(
  {},
  { scheduledId: t.u64().primaryKey().autoInc(), scheduledAt: t.scheduleAt(), orderId: t.u64() },
);
const ledger = table({ public: true }, { id: t.u64().primaryKey().autoInc(), text: t.string() });

const shop = schema({ customer, item, order, sale, shipment, ledger });
export default shop;
type Ctx = ReducerCtx<InferSchema<typeof shop>>;

const write = (ctx: Ctx, text: string): void => {
  ctx.db.ledger.insert({ id: 0n, text });
};
function goods(ctx: Ctx, sku: string) {
  const found = ctx.db.item.sku.find(sku);
  if (found === null) throw new SenderError(`There is no ${sku}`);
  return found;
}
const ordersOf = (ctx: Ctx, buyer: Identity): number => [...ctx.db.order.byBuyer.filter(buyer)].length;

export const init = shop.init((ctx) => {
  for (const [sku, amount] of [
    ["apple", 120n],
    ["pear", 150n],
  ] as const)
    ctx.db.item.insert({
      id: 0,
      sku,
      price: { amount, currency: "EUR" },
      inStock: 10,
      tags: ["fruit", sku],
      shelf: "front",
      weight: 0.1,
    });
  write(ctx, `opened with ${ctx.db.item.count()}`);
});
export const connected = shop.clientConnected((ctx) => {
  const known = ctx.db.customer.identity.find(ctx.sender);
  if (known === null) ctx.db.customer.insert({ identity: ctx.sender, name: undefined, online: true, visits: 1 });
  else ctx.db.customer.identity.update({ ...known, online: true, visits: known.visits + 1 });
});
export const disconnected = shop.clientDisconnected((ctx) => {
  const known = ctx.db.customer.identity.find(ctx.sender);
  if (known !== null) ctx.db.customer.identity.update({ ...known, online: false });
});

export const setName = shop.reducer({ name: t.string() }, (ctx, { name }) => {
  if (name.trim() === "") throw new SenderError("A name needs a letter");
  const known = ctx.db.customer.identity.find(ctx.sender);
  if (known === null) throw new SenderError("Nobody knows you");
  ctx.db.customer.identity.update({ ...known, name });
});
export const stock = shop.reducer(
  { sku: t.string(), amount: t.u64(), count: t.u32(), tags: t.array(t.string()) },
  (ctx, { sku, amount, count, tags }) => {
    try {
      const made = ctx.db.item.insert({
        id: 0,
        sku,
        price: { amount, currency: "EUR" },
        inStock: count,
        tags,
        shelf: "back",
        weight: 0.3,
      });
      write(ctx, `${made.sku} is number ${made.id}`);
    } catch (error) {
      if (!(error instanceof errors.UniqueAlreadyExists)) throw error;
      const known = goods(ctx, sku);
      const after = ctx.db.item.id.update({ ...known, inStock: known.inStock + count });
      write(ctx, `${sku}: ${known.inStock} and then ${after.inStock}`);
    }
  },
);
export const placeOrder = shop.reducer(
  { sku: t.string(), count: t.u32(), paid: Payment, note: t.option(t.string()) },
  (ctx, { sku, count, paid, note }) => {
    const wanted = goods(ctx, sku);
    if (wanted.inStock < count) throw new SenderError(`Only ${wanted.inStock} of ${sku} are left`);
    ctx.db.item.id.update({ ...wanted, inStock: wanted.inStock - count });
    const made = ctx.db.order.insert({
      id: 0n,
      buyer: ctx.sender,
      number: ordersOf(ctx, ctx.sender) + 1,
      itemId: wanted.id,
      count,
      status: { tag: "open" },
      paid,
      note,
    });
    ctx.db.sale.insert({ sku, count });
    const soon = ctx.timestamp.microsSinceUnixEpoch + 1000n;
    if (sku === "apple")
      ctx.db.shipment.insert({ scheduledId: 0n, scheduledAt: ScheduleAt.time(soon), orderId: made.id });
  },
);
export const ship = shop.reducer({ onSchedule: shipment }, { row: shipment.rowType }, (ctx, { row }) => {
  const due = ctx.db.order.id.find(row.orderId);
  if (due === null || due.status.tag !== "open") return;
  ctx.db.order.id.update({ ...due, status: { tag: "shipped" } });
  write(ctx, `shipped ${due.number} by ${ctx.sender.isEqual(ctx.databaseIdentity) ? "the shop" : "somebody"}`);
});
export const cancelAll = shop.reducer({ sku: t.string() }, (ctx, { sku }) => {
  const { id } = goods(ctx, sku);
  let count = 0;
  for (const each of ctx.db.order.itemId.filter(id)) {
    if (each.status.tag !== "open") continue;
    ctx.db.order.id.update({ ...each, status: { tag: "cancelled" }, note: "sorry" });
    count += each.count;
  }
  const known = goods(ctx, sku);
  ctx.db.item.id.update({ ...known, inStock: known.inStock + count });
  write(ctx, `${count} of ${sku} came back`);
});
export const drop = shop.reducer({ sku: t.string() }, (ctx, { sku }) => {
  const { id } = goods(ctx, sku);
  const gone = ctx.db.order.itemId.delete(id);
  write(ctx, `${sku} is gone: ${ctx.db.item.sku.delete(sku)}, ${gone} orders, ${ctx.db.item.sku.delete(sku)}`);
});
export const double = shop.reducer({ sku: t.string() }, (ctx, { sku }) => {
  placeOrder(ctx, { sku, count: 1, paid: { tag: "cash" } });
  placeOrder(ctx, { sku, count: 1, paid: { tag: "split", value: [{ amount: 1n, currency: "EUR" }] }, note: "second" });
});
export const clash = shop.reducer({ name: "clash_of_goods" }, (ctx) => {
  ctx.db.item.insert({ ...goods(ctx, "apple"), id: 0 });
});
export const lookUp = shop.reducer({ number: t.u32() }, (ctx, { number }) => {
  const [found] = [...ctx.db.order.byNumber.filter([ctx.sender, number])];
  write(ctx, `order ${number} is ${found?.status.tag ?? "unknown"}, ${ctx.db.order.byNumber.delete([ctx.sender, 99])}`);
});
export const worth = shop.procedure({ sku: t.string() }, t.option(Price), (ctx, { sku }) =>
  ctx.withTx((tx) => {
    const found = tx.db.item.sku.find(sku);
    return found === null ? undefined : { ...found.price, amount: found.price.amount * BigInt(found.inStock) };
  }),
);
