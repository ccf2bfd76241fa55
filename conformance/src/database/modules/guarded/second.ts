/** The same with a rule that reads the view. */
import guarded from "./first.ts";

export { default, add, shown } from "./first.ts";

export const rule = guarded.clientVisibilityFilter.sql("SELECT note.* FROM note JOIN shown ON note.id = shown.id");
