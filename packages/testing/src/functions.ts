/** The module's functions as callers see them: names, and how arguments and results are written. */
import { LightconeError } from "@lightcone/base";
import { fullName, partOf, withAllBelow, type FunctionShape, type ModuleShape } from "@lightcone/host-js";
import { ByteReader, ByteWriter, isUnit, product, valueCodec, type ValueCodec } from "@lightcone/sats";
import type { ModuleDef } from "@lightcone/schema";

export interface CalledFunction {
  readonly kind: "reducer" | "procedure";
  readonly exportName: string;
  /** In the database. */
  readonly name: string;
  /** @throws {LightconeError} `BadArguments` */
  encode(args: unknown): Uint8Array;
  decode(value: Uint8Array): unknown;
}

class Called implements CalledFunction {
  readonly kind: "reducer" | "procedure";
  readonly exportName: string;
  readonly name: string;
  private readonly names: readonly string[];
  private readonly args: ValueCodec;
  private readonly returns: ValueCodec | undefined;

  constructor({ kind, params, returns }: FunctionShape, exportName: string, name: string) {
    this.kind = kind === "procedure" ? "procedure" : "reducer";
    this.exportName = exportName;
    this.name = name;
    this.names = params.map((param) => param.name);
    this.args = valueCodec(product(Object.fromEntries(params.map((param) => [param.name, param.type]))));
    this.returns = returns === undefined || isUnit(returns) ? undefined : valueCodec(returns);
  }

  encode(args: unknown = {}): Uint8Array {
    const bad = (reason: string, cause?: unknown): never => {
      throw new LightconeError("BadArguments", { reducer: this.exportName, reason }, { cause });
    };
    if (typeof args !== "object" || args === null) return bad("they are an object, by the names of the parameters");
    const unknown = Object.keys(args).find((name) => !this.names.includes(name));
    if (unknown !== undefined)
      return bad(`there is no parameter \`${unknown}\`: it takes ${this.names.join(", ") || "none"}`);
    const out = new ByteWriter(64);
    try {
      this.args.write(out, args);
    } catch (error) {
      return bad(error instanceof Error ? error.message : String(error), error);
    }
    return out.toBytes();
  }

  decode(value: Uint8Array): unknown {
    return this.returns === undefined ? undefined : this.returns.read(new ByteReader(value, this.exportName));
  }
}

/**
 * By the names that they are exported under, those of submodules behind the submodule's: `chat.send`. Those that only the database
 * calls are not among them.
 */
export function calledFunctions(shape: ModuleShape, def: ModuleDef): ReadonlyMap<string, CalledFunction> {
  const called = new Map<string, CalledFunction>();
  for (const part of withAllBelow(partOf(shape)))
    for (const each of [...part.shape.reducers, ...part.shape.procedures]) {
      if (each.lifecycle !== undefined || each.migrates) continue;
      const exportName = fullName(part, each.exportName);
      const found = (each.kind === "procedure" ? def.procedures : def.reducers).find(
        ({ accessor }) => accessor === exportName,
      );
      called.set(exportName, new Called(each, exportName, found?.name ?? exportName));
    }
  return called;
}
