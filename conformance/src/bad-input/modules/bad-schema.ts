/** Two tables under one name in the database. */
import { schema, t, table } from "lightcone/module";

const spacetime = schema({
  first: table({ name: "same" }, { id: t.u32() }),
  second: table({ name: "same" }, { id: t.u32() }),
});
export default spacetime;
