/** A module as a bundle of `lightcone publish`: a script, evaluated for each instance in a sandbox of its own. */
import type { HostPort } from "@lightcone/host";
import { makeConsole } from "./console.ts";
import { makeGuestClasses, type GuestClasses } from "./guest-classes.ts";
import { description, hostModuleName, makeHostModule, whyNotThere } from "./host-module.ts";
import { invalid } from "./module-shape.ts";
import { readWholeShape, type ModuleSource } from "./module-source.ts";
import type { ScriptSandbox } from "./sandbox.ts";
import type { ModuleShape } from "./shapes.ts";
import type { Position, StackMapper } from "./stack-trace.ts";

export class BundleSource implements ModuleSource {
  readonly sandbox: ScriptSandbox;
  readonly stacks: StackMapper;
  readonly classes: GuestClasses;
  private readonly script: string;

  constructor(script: string, sandbox: ScriptSandbox, stacks: StackMapper) {
    this.script = script;
    this.sandbox = sandbox;
    this.stacks = stacks;
    this.classes = makeGuestClasses(sandbox);
  }

  read(port: HostPort): ModuleShape {
    const { sandbox } = this;
    const hostModule = makeHostModule(sandbox, this.classes);
    const console = makeConsole(sandbox, port, this.stacks);
    const makeRequire = sandbox.compile(
      ["name", "hostModule", "why"],
      `return (asked) => { if (asked === name) return hostModule; throw new TypeError(why(String(asked))); };`,
      "require",
    );
    const module = sandbox.compile([], "return { exports: {} };", "exports")() as { exports: object };
    const { exports } = module;
    const run = sandbox.evaluate(this.script);
    if (typeof run !== "function") invalid("the bundle is not a script");
    run(sandbox.harden(makeRequire(hostModuleName, hostModule, whyNotThere)), exports, module, console);
    return readWholeShape(exports, description, this.stacks);
  }

  placeOf(body: (...values: never[]) => unknown): Position | undefined {
    return this.stacks.placeOf(body, this.script);
  }
}
