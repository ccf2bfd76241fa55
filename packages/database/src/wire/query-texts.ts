/** The queries that a client asks for by their texts, before any version's sets hold them. */
import { isLightconeError } from "@lightcone/base";
import { compileSubscription, type Catalog, type SelectPlan } from "@lightcone/sql";
import type { DatabaseContext } from "../core/context.ts";
import type { Caller } from "../link/link.ts";

/** A query of a request, not held yet. */
export interface WantedQuery {
  /** What it is counted by: its statement, with more to it where that stands for many. */
  readonly text: string;
  readonly statement: string;
  readonly plan: SelectPlan;
}

const eventTablesText =
  "Subscribing to event tables requires WebSocket v2. Please upgrade your client SDK and regenerate your module bindings.";

/**
 * The queries of texts: all, or the text of why there are none. The first that does not compile fails all.
 *
 * @param takesEvents whether the client's version can be told of event tables
 */
function compileTexts(
  texts: readonly string[],
  catalog: Catalog,
  takesEvents: boolean,
): readonly WantedQuery[] | string {
  const wanted = new Map<string, WantedQuery>();
  for (const text of texts) {
    try {
      const plans = compileSubscription(text, catalog);
      if (!takesEvents && plans.some(({ sources }) => sources.some(({ table }) => table.def.isEvent)))
        return eventTablesText;
      for (const plan of plans) {
        // One text that stands for many queries: each is held by itself.
        const own = plans.length === 1 ? text : `${text} #${plan.key}`;
        wanted.set(own, { text: own, statement: text, plan });
      }
    } catch (error) {
      if (!isLightconeError(error)) throw error;
      return text === "" ? "SubscriptionError: Empty string, executing: ``" : `${error.told}, executing: \`${text}\``;
    }
  }
  return [...wanted.values()];
}

/**
 * The same, with what they read of views computed for the caller.
 *
 * @param takesEvents whether the client's version can be told of event tables
 */
export function computedTexts(
  { access, views }: Pick<DatabaseContext, "access" | "views">,
  texts: readonly string[],
  caller: Caller,
  expandsAll: boolean,
  takesEvents: boolean,
): readonly WantedQuery[] | string {
  const wanted = compileTexts(texts, access.catalog(caller, expandsAll), takesEvents);
  if (typeof wanted === "string") return wanted;
  const failed = views.compute(plansOf(wanted), caller);
  return failed === undefined ? wanted : failed.told;
}

/** The queries that a host before had compiled, compiled again; undefined unless all are what they were. */
export function recompiled<K extends Omit<WantedQuery, "plan">>(
  kept: readonly K[],
  compile: (texts: readonly string[]) => readonly WantedQuery[] | string,
): readonly (K & WantedQuery)[] | undefined {
  const wanted = compile([...new Set(kept.map(({ statement }) => statement))]);
  if (typeof wanted === "string") return undefined;
  const plans = new Map(wanted.map(({ text, plan }) => [text, plan] as const));
  const queries = kept.flatMap((each) => {
    const plan = plans.get(each.text);
    return plan === undefined ? [] : [{ ...each, plan }];
  });
  return queries.length === kept.length ? queries : undefined;
}

/** What is told of queries that may not be read any more; undefined when there are none. */
export function lostBy(queries: readonly WantedQuery[], catalog: Catalog): string | undefined {
  for (const { plan, statement } of queries)
    for (const { table } of plan.sources)
      if ((catalog.table(table.def.name) ?? catalog.view?.(table.def.name))?.id !== table.id)
        return `table \`${table.def.name}\` may not be read any more, since the module was updated, executing: \`${statement}\``;
  return undefined;
}

export function plansOf(queries: readonly WantedQuery[]): readonly SelectPlan[] {
  return queries.map(({ plan }) => plan);
}

/** Holds all of these, or none: the text of why not. */
export function allOrNone<W, H>(
  wanted: readonly W[],
  hold: (each: W) => H,
  release: (held: H) => void,
): readonly H[] | string {
  const held: H[] = [];
  try {
    for (const each of wanted) held.push(hold(each));
  } catch (error) {
    for (const each of held) release(each);
    if (!isLightconeError(error)) throw error;
    return error.told;
  }
  return held;
}

export function overLimit(count: number, max: number): string {
  return `subscriptionsPerConnectionMax: ${count} is over ${max}`;
}
