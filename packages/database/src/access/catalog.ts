/** Who may name what: the one place that knows private tables, tables of the owner, and row-level rules. */
import { isLightconeError, LightconeError, type TableId } from "@lightcone/base";
import type { Store } from "@lightcone/engine";
import type { TableSchema } from "@lightcone/schema";
import { compileRule, restrict, type Catalog, type Rule } from "@lightcone/sql";
import type { Caller } from "../link/link.ts";
import type { Relations } from "../views/relations.ts";

/** System tables that only the owner reads, beside those that are private anyway. */
const ownersTables: ReadonlySet<string> = new Set(["st_module", "st_client"]);

export class Access {
  private readonly store: Pick<Store, "tableByEitherName" | "tables">;
  private rulesByTable: ReadonlyMap<TableId, readonly Rule[]> = new Map();
  private readonly relations: Pick<Relations, "viewByName" | "views">;

  constructor(store: Pick<Store, "tableByEitherName" | "tables">, relations: Pick<Relations, "viewByName" | "views">) {
    this.store = store;
    this.relations = relations;
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
    const view = (name: string): TableSchema | undefined => {
      const schema = this.relations.viewByName(name)?.schema;
      return schema !== undefined && this.mayRead(caller, schema) ? schema : undefined;
    };
    // The owner's queries are of other templates than everybody else's: those have no rules.
    const rules = caller.isOwner ? undefined : this.rulesOf;
    if (!expandsAll) return { table, view, rules };
    return {
      table,
      view,
      rules,
      readable: () =>
        [...this.store.tables(), ...this.relations.views]
          .map((each) => each.schema)
          .filter((schema) => schema.def.kind === "user" && !schema.def.isEvent && this.mayRead(caller, schema)),
    };
  }

  /** Each row-level rule with the table whose rows it shows. */
  get rules(): readonly { readonly table: TableId; readonly sql: string }[] {
    return [...this.rulesByTable].flatMap(([table, rules]) => rules.map(({ sql }) => ({ table, sql })));
  }

  /**
   * Says which row-level rules the module has.
   *
   * @returns what is wrong with rules that nobody but the owner can read a table by; the module runs all the same
   * @throws {LightconeError} `RuleRefused`
   */
  setRules(rules: readonly string[]): readonly string[] {
    // Tables alone: rows of views are there for who asks for them, and no query asks for what only a rule reads.
    const all: Catalog = { ...this.catalog({ isOwner: true }, false), view: () => undefined };
    const byTable = new Map<TableId, Rule[]>();
    for (const sql of new Set(rules)) {
      const rule = accepted(sql, () => compileRule(sql, all));
      const id = rule.sources[0]?.table.id;
      if (id !== undefined) byTable.set(id, [...(byTable.get(id) ?? []), rule]);
    }
    const rulesOf = (table: TableId): readonly Rule[] => byTable.get(table) ?? [];
    const faults = [...byTable.values()].flatMap(([rule]) => (rule === undefined ? [] : faultOf(rule, rulesOf)));
    this.rulesByTable = byTable;
    return faults;
  }

  private readonly rulesOf = (table: TableId): readonly Rule[] => this.rulesByTable.get(table) ?? [];

  private mayRead(caller: Pick<Caller, "isOwner">, { def }: TableSchema): boolean {
    if (caller.isOwner) return true;
    return def.access === "public" && !ownersTables.has(def.name);
  }
}

function accepted<T>(sql: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!isLightconeError(error)) throw error;
    throw new LightconeError("RuleRefused", { sql, reason: error.told }, { cause: error });
  }
}

/** What is wrong with the rules of a table once those of the tables that they read are added: they depend on each other. */
function faultOf({ sql, sources }: Rule, rulesOf: (table: TableId) => readonly Rule[]): readonly string[] {
  const [source] = sources;
  if (source === undefined) return [];
  return accepted(sql, () => {
    try {
      restrict([source], rulesOf);
      return [];
    } catch (error) {
      if (!isLightconeError(error, "SqlRefused")) throw error;
      const { name } = source.table.def;
      return [`only the owner can read table ${name}: ${error.message}, by the row-level rule \`${sql}\``];
    }
  });
}
