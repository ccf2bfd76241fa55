/** Accounts and transfers: the module of the transfer benchmarks. */
import { schema, SenderError, t, table } from "lightcone/module";

/** What every account starts with. */
const openingBalance = 1_000_000n;
/** Accounts are spread over so many branches. */
const branchCount = 100;

const spacetime = schema({
  account: table({ public: true }, { id: t.u32().primaryKey(), balance: t.i64() }),
  /** The same, with a second, ordered index over the column that a transfer changes. */
  rankedAccount: table({ public: true }, { id: t.u32().primaryKey(), balance: t.i64().index() }),
  /** The same, with a second, ordered index over a column that no transfer changes. */
  branchAccount: table({ public: true }, { id: t.u32().primaryKey(), branch: t.u32().index(), balance: t.i64() }),
});
export default spacetime;

/** Opens accounts 0 … `count` - 1 where they do not exist yet. */
export const openAccounts = spacetime.reducer({ count: t.u32() }, (ctx, { count }) => {
  for (let id = Number(ctx.db.account.count()); id < count; id++)
    ctx.db.account.insert({ id, balance: openingBalance });
});

export const openRankedAccounts = spacetime.reducer({ count: t.u32() }, (ctx, { count }) => {
  const accounts = ctx.db.rankedAccount;
  for (let id = Number(accounts.count()); id < count; id++) accounts.insert({ id, balance: openingBalance });
});

export const openBranchAccounts = spacetime.reducer({ count: t.u32() }, (ctx, { count }) => {
  const accounts = ctx.db.branchAccount;
  for (let id = Number(accounts.count()); id < count; id++)
    accounts.insert({ id, branch: id % branchCount, balance: openingBalance });
});

const order = { from: t.u32(), to: t.u32(), amount: t.i64() };

/** Moves `amount` between two accounts; refuses to overdraw. */
export const transfer = spacetime.reducer(order, (ctx, { from, to, amount }) => {
  check(from, to, amount);
  const accounts = ctx.db.account;
  const payer = accounts.id.find(from);
  const payee = accounts.id.find(to);
  if (payer === null) throw new SenderError("no such payer");
  if (payee === null) throw new SenderError("no such payee");
  if (payer.balance < amount) throw new SenderError("insufficient funds");
  accounts.id.update({ ...payer, balance: payer.balance - amount });
  accounts.id.update({ ...payee, balance: payee.balance + amount });
});

export const transferRanked = spacetime.reducer(order, (ctx, { from, to, amount }) => {
  check(from, to, amount);
  const accounts = ctx.db.rankedAccount;
  const payer = accounts.id.find(from);
  const payee = accounts.id.find(to);
  if (payer === null) throw new SenderError("no such payer");
  if (payee === null) throw new SenderError("no such payee");
  if (payer.balance < amount) throw new SenderError("insufficient funds");
  accounts.id.update({ ...payer, balance: payer.balance - amount });
  accounts.id.update({ ...payee, balance: payee.balance + amount });
});

export const transferBranch = spacetime.reducer(order, (ctx, { from, to, amount }) => {
  check(from, to, amount);
  const accounts = ctx.db.branchAccount;
  const payer = accounts.id.find(from);
  const payee = accounts.id.find(to);
  if (payer === null) throw new SenderError("no such payer");
  if (payee === null) throw new SenderError("no such payee");
  if (payer.balance < amount) throw new SenderError("insufficient funds");
  accounts.id.update({ ...payer, balance: payer.balance - amount });
  accounts.id.update({ ...payee, balance: payee.balance + amount });
});

function check(from: number, to: number, amount: bigint): void {
  if (amount <= 0n) throw new SenderError("the amount must be positive");
  if (from === to) throw new SenderError("payer and payee are the same account");
}
