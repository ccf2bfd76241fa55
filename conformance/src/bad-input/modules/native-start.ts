/** A module whose start never comes to an end, inside a function of the engine. */
import { schema, t, table } from "lightcone/module";

const spacetime = schema({
  note: table({ public: true }, { id: t.u64().primaryKey().autoInc(), text: t.string() }),
});
export default spacetime;

Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1);
