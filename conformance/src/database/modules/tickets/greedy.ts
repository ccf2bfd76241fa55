/** Tickets whose functions take what there is: the one that carries rows over, and `init`. */
import { schema, t, table } from "lightcone/module";

const tickets = schema({ ticket: table({ public: true }, { id: t.u64().primaryKey().autoInc(), letters: t.u32() }) });
export default tickets;

function takeAll(): void {
  const kept: number[][] = [];
  for (;;) kept.push(Array.from({ length: 100_000 }, (_, at) => at + kept.length));
}

export const carry = tickets.migrate({ ticket: { id: t.u32().primaryKey().autoInc(), holder: t.string() } }, takeAll);
export const begin = tickets.init(takeAll);
