/**
 * Row-level rules: which rows of a table a caller sees.
 *
 *   rule       SELECT m.* FROM message m JOIN member ON member.room = m.room WHERE member.who = :sender
 *   query      SELECT * FROM message WHERE id > 7
 *   becomes    … WHERE id > 7 AND EXISTS (a member with member.room = message.room AND member.who = :sender)
 *
 * A row is seen if one of its table's rules holds, and once, however many hold. Tables that a rule reads beside its own
 * are read under their own rules, private ones included; its own table is read as it is. Rules of one table alone
 * become part of the query's conditions, so that indexes and routing serve them. docs/sql.md.
 */
import { LightconeError, type TableId } from "@lightcone/base";
import { join, moved, type Condition } from "./condition.ts";
import type { Source } from "./plan.ts";
import { refuse } from "./refuse.ts";

/** A rule that was checked. */
export interface Rule {
  readonly sql: string;
  /** The first is the table whose rows it shows. */
  readonly sources: readonly Source[];
  readonly conditions: readonly Condition[];
}

/** The rules of a table; none if all of its rows are seen. */
export type RulesOf = (table: TableId) => readonly Rule[];

/** A rule with those of the tables that it reads. */
export interface RuleDraft {
  readonly sources: readonly Source[];
  readonly conditions: readonly Condition[];
  /** By source. */
  readonly rules: readonly (readonly RuleDraft[] | undefined)[];
}

/** Rules that read other tables, in one query, those of other rules included. */
export const ruleTermsMax = 64;

/** What rules add to a query. */
interface Restricted {
  /** Conditions of rules that read no other table. */
  readonly restrictions: readonly Condition[];
  readonly rules: RuleDraft["rules"];
  readonly isRuled: boolean;
}

/** Puts the sources of a query under their rules. @throws {LightconeError} when rules depend on each other */
export function restrict(sources: readonly Source[], rulesOf: RulesOf | undefined): Restricted {
  return new Expansion(rulesOf).restrict(sources, () => true);
}

class Expansion {
  private readonly rulesOf: RulesOf | undefined;
  /** The tables whose rules are being expanded, outermost first. */
  private readonly path: TableId[] = [];
  private termCount = 0;

  constructor(rulesOf: RulesOf | undefined) {
    this.rulesOf = rulesOf;
  }

  restrict(sources: readonly Source[], isUnderRules: (source: Source) => boolean): Restricted {
    const restrictions: Condition[] = [];
    let isRuled = false;
    const rules = sources.map((source, position) => {
      const own = isUnderRules(source) ? (this.rulesOf?.(source.table.id) ?? []) : [];
      if (own.length === 0) return undefined;
      const drafts = this.expandAll(source.table.id, own);
      const plain = join(
        "or",
        drafts.filter(({ sources: read }) => read.length === 1).map(({ conditions }) => join("and", conditions)),
      );
      const joined = drafts.filter(({ sources: read }) => read.length > 1);
      if (plain.kind === "constant" && plain.value) return undefined; // a rule shows all rows
      isRuled = true;
      if (joined.length === 0) {
        restrictions.push(moved(plain, () => position));
        return undefined;
      }
      return plain.kind === "constant"
        ? joined
        : [{ sources: [source], conditions: [plain], rules: [undefined] }, ...joined];
    });
    return { restrictions, rules, isRuled };
  }

  private expandAll(table: TableId, rules: readonly Rule[]): readonly RuleDraft[] {
    if (this.path.includes(table)) {
      refuse("rls_cycle", `Discovered cyclic dependency when resolving RLS rules for table id \`${table}\``);
    }
    this.path.push(table);
    const drafts = rules.map((rule) => this.expand(table, rule));
    this.path.pop();
    return drafts.filter(({ conditions }) => !isNever(join("and", conditions)));
  }

  private expand(own: TableId, { sources, conditions }: Rule): RuleDraft {
    if (sources.length > 1) this.termCount += 1;
    if (this.termCount > ruleTermsMax) {
      throw new LightconeError("LimitExceeded", { limit: "ruleTermsMax", value: this.termCount, max: ruleTermsMax });
    }
    const { restrictions, rules } = this.restrict(sources, ({ table }) => table.id !== own);
    return { sources, conditions: [...conditions, ...restrictions], rules };
  }
}

function isNever(condition: Condition): boolean {
  return condition.kind === "constant" && !condition.value;
}
