/**
 * One commit, as operators see it: what changed, the new state, and the old one.
 *
 * The store shows the new state R′. The old state is R° = R′ − ΔR⁺ + ΔR⁻: a lookup skips the rows that this commit
 * inserted and then gives the deleted rows of the same key, whose bytes exist until the commit is released. Nothing of
 * the old state is copied. The overlay that such lookups need is made on first use in a turn, once for each relation
 * and key, and shared by all templates.
 */
import type { RowRef, TableId, TxOffset } from "@lightcone/base";
import { makeKeyHash, type Commit, type HashSeed, type KeyHash, type TableDelta } from "@lightcone/engine";
import type { Keyed, Relation, RelationDelta, RowResolver } from "./relation.ts";
import { RowSet } from "./row-set.ts";
import { RowsByHash } from "./rows-by-hash.ts";

/** What a turn is about: a commit, together with what it changes of relations that are derived. */
export type Changes = Pick<Commit, "offset" | "deltas">;

export interface Turn {
  readonly offset: TxOffset;
  /** What the commit changed of a relation; undefined when nothing. */
  delta(relation: TableId): TableDelta | undefined;
}

/** A relation's delta, prepared for lookups of the old state in this turn. */
interface Overlay {
  readonly inserted: RowSet;
  readonly deleted: RowsByHash;
}

export class CommitTurn implements Turn {
  private readonly resolver: RowResolver;
  private commit: Changes | undefined;
  private readonly overlays = new Map<string, Overlay>();
  private readonly spare: Overlay[] = [];
  /** Rises with every turn. */
  number = 0;

  constructor(resolver: RowResolver) {
    this.resolver = resolver;
  }

  begin(commit: Changes): void {
    this.end();
    this.commit = commit;
    this.number += 1;
  }

  /** Forgets the commit. */
  end(): void {
    this.commit = undefined;
    if (this.overlays.size === 0) return;
    this.spare.push(...this.overlays.values());
    this.overlays.clear();
  }

  /** Whether it is going on. */
  get isOpen(): boolean {
    return this.commit !== undefined;
  }

  get offset(): TxOffset {
    if (this.commit === undefined) throw new TypeError("no turn has begun");
    return this.commit.offset;
  }

  delta(relation: TableId): TableDelta | undefined {
    // A plain loop: this runs for every template, and a commit has few deltas.
    const deltas = this.commit?.deltas ?? [];
    for (let i = 0; i < deltas.length; i += 1) if (deltas[i]?.table.id === relation) return deltas[i];
    return undefined;
  }

  /** The overlay of a relation's delta for lookups by a key. `name` identifies relation and key. */
  overlay(name: string, delta: RelationDelta, key: KeyHash): Overlay {
    let overlay = this.overlays.get(name);
    if (overlay !== undefined) return overlay;
    overlay = this.spare.pop() ?? { inserted: new RowSet(), deleted: new RowsByHash() };
    this.overlays.set(name, overlay);
    const { resolver } = this;
    overlay.inserted.fill(delta.inserts);
    overlay.deleted.fill(delta.deletes, (ref) => {
      resolver.resolve(ref);
      return key.hashRow(resolver.row.view, resolver.row.at);
    });
    return overlay;
  }
}

/** Finds a relation's rows as they were before the commit. */
export class OldState implements Keyed {
  private readonly turn: CommitTurn;
  private readonly relation: TableId;
  private readonly now: Keyed;
  private readonly key: KeyHash;
  private readonly name: string;
  /** The turn that `overlay` is of; the overlay is undefined if the relation did not change in it. */
  private turnNumber = 0;
  private overlay: Overlay | undefined;
  /** The next deleted row's entry, or -1. */
  private entry = -1;

  /** @param now looks up the new state by `columns` */
  constructor(turn: CommitTurn, relation: Relation, columns: readonly number[], now: Keyed, seed: HashSeed) {
    this.turn = turn;
    this.relation = relation.id;
    this.now = now;
    this.key = makeKeyHash(relation.types, columns, seed);
    this.name = `${relation.id}:${columns.join()}`;
  }

  seek(view: DataView, at: number, length: number): void {
    if (this.turnNumber !== this.turn.number) this.enterTurn();
    this.now.seek(view, at, length);
    if (this.overlay !== undefined) this.entry = this.overlay.deleted.first(this.key.hashKey(view, at));
  }

  next(): RowRef | -1 {
    const { overlay } = this;
    if (overlay === undefined) return this.now.next();
    for (let row = this.now.next(); row !== -1; row = this.now.next()) if (!overlay.inserted.has(row)) return row;
    const { entry } = this;
    if (entry < 0) return -1;
    this.entry = overlay.deleted.next(entry);
    return overlay.deleted.row(entry);
  }

  private enterTurn(): void {
    const { turn } = this;
    this.turnNumber = turn.number;
    const delta = turn.delta(this.relation);
    this.overlay = delta === undefined ? undefined : turn.overlay(this.name, delta, this.key);
  }
}
