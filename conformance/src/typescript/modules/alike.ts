/** Tables whose indexes, columns and keys would have names that are spelled alike. */
import { schema, t, table } from "lightcone/module";

const number = t.u32();
const spacetime = schema({
  user: table(
    {
      indexes: [
        { accessor: "one", algorithm: "btree", columns: ["aB", "c"] },
        { accessor: "two", algorithm: "btree", columns: ["a", "bC"] },
      ],
      constraints: [
        { constraint: "unique", columns: ["aB", "c"] },
        { constraint: "unique", columns: ["a", "bC"] },
      ],
    },
    { aB: number, c: number, a: number, bC: number },
  ),
  user_a: table({}, { b_c: t.u32().index(), userId: t.u32().index("hash") }),
  user_a_b: table({}, { c: t.u32().unique() }),
});
export default spacetime;

export const run = spacetime.reducer(({ db }) => {
  db.user.insert({ aB: 1, c: 2, a: 3, bC: 4 });
  db.user_a.insert({ b_c: 5, userId: 6 });
  db.user_a_b.insert({ c: 7 });
  const found = [db.user.one.find([1, 2])?.a, db.user.two.find([3, 4])?.c, db.user_a_b.c.find(7)?.c];
  const scanned = [...db.user_a.b_c.filter(5), ...db.user_a.userId.filter(6)].map(({ userId }) => userId);
  console.info(found.join(" "), scanned.join(" "), JSON.stringify(db.user.one.find([3, 4])));
});
