/** Writes to its log what it is told to. */
import { schema, t } from "lightcone/module";

const spacetime = schema({});
export default spacetime;

export const say = spacetime.reducer({ text: t.string() }, (_ctx, { text }) => console.info(text));
