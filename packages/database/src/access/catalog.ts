/** Who may name what: the one place that knows private tables, tables of the owner, and row-level rules. */
import { isLightconeError, LightconeError, type TableId } from "@lightcone/base";
import type { Store } from "@lightcone/engine";
import type { RuleDef, TableSchema } from "@lightcone/schema";
import { compileRule, restrict, ruleOfSubmodule, type Catalog, type Rule } from "@lightcone/sql";
import type { Caller } from "../link/link.ts";
import type { Relations } from "../views/relations.ts";

/** System tables that only the owner reads, beside those that are private anyway. */
const ownersTables: ReadonlySet<string> = new Set(["st_module", "st_client"]);

export class Access {
  private readonly store: Pick<Store, "tableByEitherName" | "tables">;
  private rulesByTable: ReadonlyMap<TableId, readonly Rule[]> = new Map();
  /** Tables with a rule that this release does not take any more. */
  private shutTables: ReadonlySet<TableId> = new Set();
  private knownFaults: readonly string[] = [];
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
          .filter(
            (schema) =>
              schema.def.kind === "user" &&
              !schema.def.isEvent &&
              this.mayRead(caller, schema) &&
              !this.isShut(caller, schema),
          ),
    };
  }

  /** Each row-level rule with the table whose rows it shows. */
  get rules(): readonly { readonly table: TableId; readonly sql: string }[] {
    return [...this.rulesByTable].flatMap(([table, rules]) => rules.map(({ sql }) => ({ table, sql })));
  }

  /** What is wrong with rules that nobody but the owner can read a table by; the module runs all the same. */
  get faults(): readonly string[] {
    return this.knownFaults;
  }

  /**
   * Says which row-level rules the module has.
   *
   * @param shownBy tables that a rule shows which was taken once and is not any more: they are shut to all but owners. Left
   * out, such a rule is refused
   * @throws {LightconeError} `RuleRefused`
   */
  setRules(rules: readonly RuleDef[], shownBy?: (sql: string) => readonly TableId[]): void {
    // Tables alone: rows of views are there for who asks for them, and no query asks for what only a rule reads.
    const all: Catalog = { ...this.catalog({ isOwner: true }, false), view: () => undefined };
    const byTable = new Map<TableId, Rule[]>();
    const shut = new Set<TableId>();
    const faults: string[] = [];
    const orShut = (sql: string, run: () => void): void => {
      try {
        accepted(sql, run);
      } catch (error) {
        if (shownBy === undefined || !isLightconeError(error)) throw error;
        const tables = shownBy(sql);
        for (const table of tables) shut.add(table);
        faults.push(`${this.namesOf(tables)} shut to all but owners: ${error.message}. ${mend}`);
      }
    };
    const texts = new Set<string>();
    for (const { sql, namespace } of rules)
      orShut(sql, () => void texts.add(namespace === "" ? sql : ruleOfSubmodule(sql, namespace, all)));
    for (const sql of texts)
      orShut(sql, () => {
        const rule = compileRule(sql, all);
        const id = rule.sources[0]?.table.id;
        if (id !== undefined) byTable.set(id, [...(byTable.get(id) ?? []), rule]);
      });
    this.rulesByTable = byTable;
    this.shutTables = shut;
    for (const [rule] of byTable.values())
      if (rule !== undefined) orShut(rule.sql, () => void faults.push(...faultOf(rule, this.rulesOf)));
    this.knownFaults = faults;
  }

  private readonly rulesOf = (table: TableId): readonly Rule[] => {
    if (this.shutTables.has(table)) {
      const text = `${this.namesOf([table])} shut to all but owners: a row-level rule of its does not compile any more`;
      throw new LightconeError("SqlRefused", { category: "rls_shut", text });
    }
    return this.rulesByTable.get(table) ?? [];
  };

  private namesOf(tables: readonly TableId[]): string {
    const names = this.store.tables().flatMap(({ schema: { id, def } }) => (tables.includes(id) ? [def.name] : []));
    return names.length === 1 ? `table ${names[0]} is` : `tables ${names.join(", ")} are`;
  }

  private isShut(caller: Pick<Caller, "isOwner">, { id }: TableSchema): boolean {
    return !caller.isOwner && this.shutTables.has(id);
  }

  private mayRead(caller: Pick<Caller, "isOwner">, { def }: TableSchema): boolean {
    if (caller.isOwner) return true;
    return def.access === "public" && !ownersTables.has(def.name);
  }
}

const mend = "Publish the module with a rule that this release takes: `docs/rules.md`";

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
