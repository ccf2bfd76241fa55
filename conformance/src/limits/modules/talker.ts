/** Writes to its log what it is told to. */
import { schema, SenderError, t } from "lightcone/module";

const spacetime = schema({});
export default spacetime;

export const say = spacetime.reducer({ text: t.string() }, (_ctx, { text }) => console.info(text));

export const refuse = spacetime.reducer({ text: t.string() }, (_ctx, { text }) => {
  throw new SenderError(text);
});

export const panic = spacetime.reducer({ text: t.string() }, (_ctx, { text }) => {
  throw new Error(text);
});

/** Writes so many lines, and breaks. */
export const flood = spacetime.reducer({ lines: t.u32() }, (_ctx, { lines }) => {
  for (let line = 0; line < lines; line += 1) console.info(`line ${line}`);
  throw new Error("after the flood");
});
