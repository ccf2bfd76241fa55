/** What commands are added to. */
import type { Command, Option } from "commander";

/** What the whole program takes. */
export interface Globals {
  readonly configPath: string;
  /** Where data is that no flag names a place for. */
  readonly dataDefault: string;
}

export interface Program {
  readonly root: Command;
  /** A command of its own. */
  readonly add: (name: string, summary: string, example: string, options?: readonly Option[]) => Command;
  /** As they were typed: for actions. */
  readonly globals: () => Globals;
}
