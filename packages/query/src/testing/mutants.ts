/** Faults that the property test of live queries must find: each is one text of a source replaced by another. */
export interface Mutant {
  readonly name: string;
  /** Below `src`. */
  readonly file: string;
  /** Stands in the file once. */
  readonly from: string;
  readonly to: string;
}

export const mutants: readonly Mutant[] = [
  {
    name: "the old state of a source is read as the new one",
    file: "live/delta-join.ts",
    from: "return relations[source]?.isEvent !== true && source < start;",
    to: "return true;",
  },
  {
    name: "the new state of a source is read as the old one",
    file: "live/delta-join.ts",
    from: "return relations[source]?.isEvent !== true && source < start;",
    to: "return false;",
  },
  {
    name: "an event meets the old state of the others",
    file: "live/delta-join.ts",
    from: "if (relations[start]?.isEvent === true) return true;",
    to: "",
  },
  {
    name: "events are there for the paths of others",
    file: "live/turn.ts",
    from: "overlay.inserted.fill(delta.inserts);",
    to: "",
  },
  {
    name: "the old state has rows that the commit inserted",
    file: "live/turn.ts",
    from: "if (!overlay.inserted.has(row)) return row;",
    to: "return row;",
  },
  {
    name: "the old state lacks rows that the commit deleted",
    file: "live/turn.ts",
    from: "this.entry = this.overlay.deleted.first(this.key.hashKey(view, at));",
    to: "this.entry = -1;",
  },
  {
    name: "the old state has one deleted row a key",
    file: "live/turn.ts",
    from: "this.entry = overlay.deleted.next(entry);",
    to: "this.entry = -1;",
  },
  {
    name: "a large set of rows lacks those that collide",
    file: "live/row-set.ts",
    from: "if (table[at] === ref) return true;",
    to: "return table[at] === ref;",
  },
  {
    name: "rows of one hash are one",
    file: "live/rows-by-hash.ts",
    from: "nexts[entry] = heads[bucket] ?? 0;",
    to: "nexts[entry] = 0;",
  },
  {
    name: "tuples are not consolidated",
    file: "live/parts.ts",
    from: "cancelSorted(inserts, deletes);",
    to: ";",
  },
  {
    name: "queries that got the same rows get parts of their own",
    file: "live/parts.ts",
    from: "if (last !== 0 && this.rows[last] === row && this.weights[last] === weight) return last;",
    to: "",
  },
  {
    name: "a query's conditions from before the routing are forgotten",
    file: "live/delta-path.ts",
    from: "let step = depth === this.routedAt ? 0 : depth;",
    to: "let step = depth;",
  },
  {
    name: "a row has the queries of the one whose place it takes, whatever its values",
    file: "live/delta-path.ts",
    from: "if (view !== undefined && exact.isSame(view, at, row.view, row.at))",
    to: "if (view !== undefined)",
  },
  {
    name: "a query's conditions at a step in the middle are forgotten",
    file: "live/delta-path.ts",
    from: "if (this.fulfils(depth, query)) list.push(query);",
    to: "list.push(query);",
  },
  {
    name: "what concerns several sources is forgotten",
    file: "live/delta-join.ts",
    from: "[...filters, ...edges.map(edgePredicate), residual]",
    to: "[...filters, ...edges.map(edgePredicate)]",
  },
  {
    name: "a lookup's rows are taken whatever their key",
    file: "live/delta-join.ts",
    from: "[...filters, ...edges.map(edgePredicate), residual]",
    to: "[...filters, residual]",
  },
  {
    name: "arrangements do not follow commits",
    file: "live/arrangements.ts",
    from: "each.rows.advance(delta);",
    to: ";",
  },
  {
    name: "an arrangement in the making is looked up as it is",
    file: "live/arrangements.ts",
    from: "if (!site.inSlices) while (!found.rows.isWhole) found.rows.step(stepRows);",
    to: "",
  },
  {
    name: "arrangements are not released",
    file: "live/arrangements.ts",
    from: "arrangement.useCount -= 1;",
    to: "",
  },
  {
    name: "a template outlives the definition that it was made for",
    file: "live/live-queries.ts",
    from: "if (!entry.template.isCurrent && !this.remake(entry)) continue;",
    to: "",
  },
  {
    name: "an arrangement outlives the definition that it was made for",
    file: "live/arrangements.ts",
    from: "each.wanted.relation.isCurrent && each.columns.join() === columns.join()",
    to: "each.columns.join() === columns.join()",
  },
  {
    name: "a query that takes another's place is not found there",
    file: "live/live-template.ts",
    from: "this.operator.add(last);",
    to: "",
  },
  {
    name: "queries that left are still found by their values",
    file: "live/parameter-index.ts",
    from: "if (next === 0) this.free(slot);\n    else this.point(slot, next);",
    to: "if (next !== 0) this.point(slot, next);",
  },
];

/** Faults that the property test of row-level rules must find. */
export const ruleMutants: readonly Mutant[] = [
  {
    name: "a row that is seen more often is looked for in the new state",
    file: "live/qualify.ts",
    from: 'what === gained ? "old" : "new"',
    to: '"new"',
  },
  {
    name: "a row that is seen less often is looked for in the old state",
    file: "live/qualify.ts",
    from: 'what === gained ? "old" : "new"',
    to: '"old"',
  },
  {
    name: "an inserted row is looked for as it was before",
    file: "live/qualify.ts",
    from: "if (this.inserted.has(row)) return (what & gained) === 0 ? 0 : 1;",
    to: "",
  },
  {
    name: "a deleted row is looked for as it is now",
    file: "live/qualify.ts",
    from: "if (this.deleted.has(row)) return (what & lost) === 0 ? 0 : -1;",
    to: "",
  },
  {
    name: "changes of a rule's tuples are not added up",
    file: "live/qualify.ts",
    from: "ofRule.set(pair, ofRule.value(pair) + (delta.weights[i] ?? 0));",
    to: "ofRule.set(pair, delta.weights[i] ?? 0);",
  },
  {
    name: "a query sees a row once for each tuple that shows it",
    file: "live/qualify.ts",
    from: "if (this.stamps[position] === this.stamp) continue;",
    to: "",
  },
  {
    name: "a row that another rule shows is taken from a query",
    file: "live/qualify.ts",
    from: "if (isSeenToo) return 0;",
    to: "",
  },
  {
    name: "pairs that collide are one",
    file: "live/pair-table.ts",
    from: "if (this.rows[slot - 1] === row && this.queries[slot - 1] === query) return slot - 1;",
    to: "return slot - 1;",
  },
  {
    name: "a join's other sources are not under their rules",
    file: "live/delta-path.ts",
    from: "if (seen === undefined || (this.isBySeers && step === this.routedAt)) continue;",
    to: "continue;",
  },
  {
    name: "who sees a row of the old state is asked of the new one",
    file: "live/delta-join.ts",
    from: "seen: source === start ? undefined : this.seenIn(source, stateOf(source)),",
    to: 'seen: source === start ? undefined : this.seenIn(source, "new"),',
  },
  {
    name: "who a rule is switched on for is asked of the old state",
    file: "live/switched-rule.ts",
    from: 'const on = this.hasAll("new", query) ? 1 : 0;',
    to: 'const on = this.hasAll("old", query) ? 1 : 0;',
  },
  {
    name: "what was switched last time is as before that",
    file: "live/switched-rule.ts",
    from: "this.was[position] = this.is[position] ?? 0;",
    to: "",
  },
  {
    name: "of several that switch a rule one is enough",
    file: "live/switched-rule.ts",
    from: "if (!witness.any(query)) return false;",
    to: "return witness.any(query);",
  },
  {
    name: "what a rule compares with the row stands apart from it",
    file: "live/compile-join.ts",
    from: "joinGroups(rule.inputs.length, rule.edges, compared);",
    to: "joinGroups(rule.inputs.length, rule.edges);",
  },
  {
    name: "rows come for queries that a rule is switched off for",
    file: "live/switched-rule.ts",
    from: "was[position] === 1 && is[position] === 1;",
    to: "true;",
  },
  {
    name: "a switch leaves the rows that are there",
    file: "live/switched-rule.ts",
    from: "if (this.switched.length > 0 && !relation.isEvent)",
    to: "if (this.switched.length < 0)",
  },
  {
    name: "what a rule reads is looked for without its own rules",
    file: "live/probe.ts",
    from: "if (seen !== undefined && !seen.qualifier.isSeen(seen.state, row, view, at, query)) continue;",
    to: "",
  },
  {
    name: "what a rule reads is looked for without conditions",
    file: "live/probe.ts",
    from: "if (!this.holds(condition, query)) continue;",
    to: "",
  },
  {
    name: "a SELECT shows what rules hide",
    file: "evaluate/evaluate.ts",
    from: "!rules.some((rule) => rule.shows(ref, view, at))",
    to: "!rules.some((rule) => rule.shows(ref, view, at) || true)",
  },
  {
    name: "a SELECT in steps joins rows that rules hide",
    file: "evaluate/held-rows.ts",
    from: "if (!isSeen(rules, row)) continue;",
    to: "",
  },
  {
    name: "a SELECT in steps shows rows that rules hide",
    file: "evaluate/sliced-select.ts",
    from: "if (!isSeen(this.outerRules, row)) continue;",
    to: "",
  },
];
