/** What the checks of one module share: the list of problems, resolved types, and who owns which name. */
import { formatType, type AlgebraicType, type Member, type ProductType } from "@lightcone/sats";
import type { ModuleDraft } from "./draft.ts";
import { identifierProblem } from "./naming.ts";
import { Namespace, type Problems } from "./problems.ts";
import { moduleTypeNodesMax, TypeResolver } from "./resolve-types.ts";

/** Columns that all tables and views of a module may have together. Many can share one type of many. */
export const moduleColumnsMax = 100_000;

/** What a module and its submodules may use together. */
export class Budget {
  columnsLeft = moduleColumnsMax;
  typeNodesLeft = moduleTypeNodesMax;
}

export class Checking {
  readonly draft: ModuleDraft;
  readonly problems: Problems;
  private readonly resolver: TypeResolver;
  private readonly budget: Budget;
  /** Tables, views' tables, indexes, constraints, sequences, schedules: one namespace for all. */
  readonly objects: Namespace;
  /** Reducers, procedures and views. */
  readonly functions: Namespace;
  readonly handlers: Namespace;
  /** Names of the typespace's entries, where a definition gives one. */
  readonly nameByRef: ReadonlyMap<number, string>;

  constructor(draft: ModuleDraft, problems: Problems, budget: Budget) {
    this.draft = draft;
    this.problems = problems;
    this.budget = budget;
    this.resolver = new TypeResolver(draft.typespace, budget);
    this.objects = new Namespace(problems);
    this.functions = new Namespace(problems);
    this.handlers = new Namespace(problems);
    this.nameByRef = new Map(draft.types.map((type) => [type.ref, [...type.scope, type.name].join(".")]));
  }

  /** Counts columns against the module's limit; reports where it is passed. */
  takeColumns(count: number, what: string): boolean {
    if (count <= this.budget.columnsLeft) {
      this.budget.columnsLeft -= count;
      return true;
    }
    this.problems.add(`${what}: with it the module's tables and views have more than ${moduleColumnsMax} columns`);
    return false;
  }

  /** The type without `Ref`s; a problem and the unit type where there is none. */
  resolve(type: AlgebraicType, where: string): AlgebraicType {
    const resolution = this.resolver.resolve(type);
    if (resolution.kind === "ok") return resolution.type;
    this.problems.add(`${where}: ${resolution.reason}`);
    return { kind: "Product", elements: [] };
  }

  /** The same for the members of a product. */
  resolveProduct(members: readonly Member[], where: string): ProductType {
    return {
      kind: "Product",
      elements: members.map((member, i) => ({
        name: member.name,
        type: this.resolve(member.type, `${where} \`${member.name ?? i}\``),
      })),
    };
  }

  checkIdentifier(name: string, what: string): void {
    const problem = identifierProblem(name);
    if (problem !== undefined) this.problems.add(`${what}: the name ${JSON.stringify(name)} ${problem}`);
  }
}

/** A type in a message, cut where it gets long. */
export function shortType(type: AlgebraicType): string {
  const text = formatType(type);
  return text.length <= 200 ? text : `${text.slice(0, 200)}…`;
}
