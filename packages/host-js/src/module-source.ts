/** Where an instance has its module from. */
import type { HostPort } from "@lightcone/host";
import { LightconeError } from "@lightcone/base";
import type { GuestClasses } from "./guest-classes.ts";
import { readModuleShape } from "./module-shape.ts";
import type { Sandbox } from "./sandbox.ts";
import type { ModuleShape } from "./shapes.ts";
import type { Position, Stacks } from "./stack-trace.ts";

export interface ModuleSource {
  readonly sandbox: Sandbox;
  readonly stacks: Stacks;
  readonly classes: GuestClasses;
  /** Reads what the module exports; runs it before, where that is not done. @throws {LightconeError} `SchemaInvalid`, or whatever it throws */
  read(port: HostPort): ModuleShape;
  /** Where a function of the module stands, if that can be told. */
  placeOf(body: (...values: never[]) => unknown): Position | undefined;
}

/**
 * Reads exports in which every function of the schema has to be.
 *
 * @param description the symbol that they describe themselves under
 * @throws {LightconeError} `ModuleInvalid`, `SchemaInvalid`
 */
export function readWholeShape(exports: object, description: symbol, stacks: Stacks): ModuleShape {
  const shape = readModuleShape(exports, description);
  if (shape.unexported.length > 0)
    throw new LightconeError("SchemaInvalid", { problems: shape.unexported.map((stack) => unexported(stack, stacks)) });
  return shape;
}

function unexported(stack: string, stacks: Stacks): string {
  const at = stacks.innermost(stack);
  const place = at === undefined ? "" : ` at ${at.file}:${at.line}:${at.column}`;
  return `the function that is made${place} is not exported, so nobody could call it: write \`export const\` before it, in the entry file or exported again from there`;
}
