/** `lightcone:host@1`: all that a bundle may `require`. Layout: docs/formats/typescript-host.md. */
import { isBuiltin } from "node:module";
import { ConnectionId, Identity, ScheduleAt, TimeDuration, Timestamp, Uuid } from "@lightcone/sats";
import type { GuestClasses } from "./guest-classes.ts";
import type { Sandbox } from "./sandbox.ts";

export const hostModuleName = "lightcone:host@1";

/** Why a bundle cannot have what it asks for, and what to do. */
export function whyNotThere(name: string): string {
  if (name.startsWith("spacetime:sys@"))
    return `the bundle is a script that asks for ${name}, which ES modules import: publish the module's folder, or bundle it as an ES module`;
  if (name.startsWith("lightcone:host@"))
    return `the bundle was built for ${name}, and this release has ${hostModuleName}: build it with this release`;
  if (name.startsWith("node:") || isBuiltin(name))
    return `${name} is not there inside a database: a module has no files, sockets, clock or chance but its context's`;
  return `${name} is not in the bundle: install it where the module is built, and publish the module's folder`;
}

/** Under this symbol a bundle's exports say what they are. */
export const description: symbol = Symbol("lightcone:host@1 description");

export function makeHostModule(sandbox: Sandbox, classes: GuestClasses): object {
  const without = <C extends abstract new (...values: never[]) => object>(original: C, missing: string): unknown =>
    sandbox.compile(["original", "missing"], facade, "value class")(original, missing);
  return sandbox.harden({
    description,
    Identity,
    ConnectionId: without(ConnectionId, "random"),
    Timestamp: without(Timestamp, "now"),
    TimeDuration,
    Uuid,
    ScheduleAt,
    Range: classes.Range,
    SenderError: classes.SenderError,
    SpacetimeHostError: classes.SpacetimeHostError,
    errors: classes.errors,
  });
}

/** A class that makes the original's objects and lacks one static function of it. */
const facade = `
  const made = function (...values) { return Reflect.construct(original, values); };
  for (const key of Reflect.ownKeys(original)) {
    if (key === missing || key === "length") continue;
    Object.defineProperty(made, key, Object.getOwnPropertyDescriptor(original, key));
  }
  return made;
`;
