/** Who may name what: the one place that knows private tables, tables of the owner, and rows under rules. */
import type { Store } from "@lightcone/engine";
import type { TableSchema } from "@lightcone/schema";
import { compileSubscription, type Catalog } from "@lightcone/sql";
import type { Caller } from "../link/link.ts";

/** System tables that only the owner reads, beside those that are private anyway. */
const ownersTables: ReadonlySet<string> = new Set(["st_module", "st_client"]);

export class Access {
  private readonly store: Pick<Store, "tableByEitherName" | "tables">;
  /** Tables under a row-level rule: rules are not applied yet, so only the owner reads these. */
  private ruledTables: ReadonlySet<number> = new Set();

  constructor(store: Pick<Store, "tableByEitherName" | "tables">) {
    this.store = store;
  }

  /**
   * What a caller may name in SQL. A table that it may not read is not there.
   *
   * @param expandsAll whether `SELECT * FROM *` stands for all of it
   */
  catalog(caller: Pick<Caller, "isOwner">, expandsAll: boolean): Catalog {
    const table = (name: string): TableSchema | undefined => {
      const schema = this.store.tableByEitherName(name)?.schema;
      return schema !== undefined && this.mayRead(caller, schema) ? schema : undefined;
    };
    if (!expandsAll) return { table };
    return {
      table,
      readable: () =>
        this.store
          .tables()
          .map((each) => each.schema)
          .filter((schema) => schema.def.kind === "user" && !schema.def.isEvent && this.mayRead(caller, schema)),
    };
  }

  /**
   * Says which row-level rules the module has.
   *
   * @throws {LightconeError} what is wrong with a rule
   */
  setRules(rules: readonly string[]): void {
    const tables = new Set<number>();
    for (const rule of rules) {
      const [plan] = compileSubscription(rule, this.catalog({ isOwner: true }, false));
      const source = plan?.sources[0];
      if (source !== undefined) tables.add(source.table.id);
    }
    this.ruledTables = tables;
  }

  private mayRead(caller: Pick<Caller, "isOwner">, { def, id }: TableSchema): boolean {
    if (caller.isOwner) return true;
    return def.access === "public" && !ownersTables.has(def.name) && !this.ruledTables.has(id);
  }
}
