/**
 * Arrangements that are made in slices, before the queries that need them are subscribed.
 *
 * Subscribing makes in one go what a query looks rows up by. Of a large relation that takes long, and everybody waits. So
 * whoever has time in between asks for a warming first: it compiles the templates to see what they need, holds on to those
 * arrangements, which take each commit meanwhile, and lets go once the queries are subscribed.
 */
import type { SelectPlan } from "@lightcone/sql";
import type { SharedArrangement } from "./arrangements.ts";
import { LiveTemplate, type TemplateContext } from "./live-template.ts";

export class Warming {
  private readonly templates: readonly LiveTemplate<never>[];
  private readonly cold: SharedArrangement[];

  private constructor(templates: readonly LiveTemplate<never>[], cold: SharedArrangement[]) {
    this.templates = templates;
    this.cold = cold;
  }

  /**
   * What the plans need that is not there; undefined if all is.
   *
   * @param context makes arrangements in slices
   * @throws {LightconeError} when there is no room for one
   */
  static of(context: TemplateContext, plans: readonly SelectPlan[]): Warming | undefined {
    const templates: LiveTemplate<never>[] = [];
    const close = (): void => templates.forEach((template) => template.close());
    try {
      for (const plan of plans) templates.push(new LiveTemplate<never>(context, plan));
    } catch (error) {
      close();
      throw error;
    }
    const cold = [...new Set(templates.flatMap(({ arrangements }) => arrangements.cold))];
    if (cold.length > 0) return new Warming(templates, cold);
    close();
    return undefined;
  }

  get isWhole(): boolean {
    // One that has another version by now is made anew by whoever needs it.
    return this.cold.every(({ rows, wanted }) => rows.isWhole || !wanted.relation.isCurrent);
  }

  /** Goes on by about so many rows. Only between commits. */
  step(rowsMax: number): void {
    this.cold.find(({ rows, wanted }) => !rows.isWhole && wanted.relation.isCurrent)?.rows.step(rowsMax);
  }

  /** Lets go of what nobody has subscribed to meanwhile. */
  close(): void {
    for (const template of this.templates) template.close();
    this.cold.length = 0;
  }
}
