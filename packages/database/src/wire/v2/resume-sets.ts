/**
 * A client that comes back with rows of a state before: which of its query sets go on from there, and what has changed.
 *
 *   Resume ─▶ the commits since are at hand ─▶ sets held, as of now ─▶ their changes gathered ─▶ Resumed
 *
 * A set goes on if all that is told of it can be told from commits alone: not if it joins tables or reads a view or a table
 * under rules. Nor if it shares a table with one that does not: the client has one copy of a row for all of its sets. What
 * does not go on is not held, and the client subscribes to it anew.
 */
import { defined, type TableId } from "@lightcone/base";
import type { lightcone } from "@lightcone/protocol";
import { rowTestOf } from "@lightcone/query";
import { bindParams } from "@lightcone/sql";
import type { DatabaseContext } from "../../core/context.ts";
import type { Caller, ResumeNote } from "../../link/link.ts";
import type { Piece } from "../../link/piece.ts";
import { ChangesSince, type ChangedQuery } from "../../subscriptions/changes-since.ts";
import type { CommitRun, RecentCommits } from "../../subscriptions/recent-commits.ts";
import { BsatnRows } from "../bsatn-rows.ts";
import type { WantedQuery } from "../query-texts.ts";
import type { AnswerRead, Channel, ClientRequest, SlicedAnswer } from "../wire.ts";
import type { EncoderV2, ResumedChanges, StandOfDatabase } from "./encoder.ts";
import type { QuerySets } from "./query-sets.ts";

/** Whose offsets a client's places are by. Rights count: who sees more now has not had all rows of the place before. */
export function lineageOf(database: Uint8Array, { identity, isOwner }: Caller): Uint8Array {
  return Uint8Array.from([...database, ...identity, isOwner ? 1 : 0]);
}

export interface ResumeParts {
  readonly context: DatabaseContext;
  readonly encoder: EncoderV2;
  readonly channel: Channel;
  readonly sets: QuerySets;
  readonly recent: RecentCommits;
}

/** Runs a `Resume` and answers it. */
export function resumeSets(parts: ResumeParts, request: ClientRequest, message: lightcone.Resume): void {
  const answer = new Resumption(parts, request.number, message);
  try {
    answer.gather();
  } catch (error) {
    answer.close();
    throw error;
  }
  if (!answer.isWhole) {
    request.sendInSlices(answer);
    return;
  }
  if (answer.note !== undefined) parts.channel.note(answer.note);
  request.sendParts(answer.encode());
}

/** A set that may go on. */
interface Candidate {
  readonly querySetId: number;
  readonly wanted: readonly WantedQuery[];
  /** One for each query whose table keeps its rows. */
  readonly queries: readonly (ChangedQuery & { readonly inserts: BsatnRows; readonly deletes: BsatnRows })[];
}

class Resumption implements AnswerRead, SlicedAnswer {
  readonly read = this;
  private readonly parts: ResumeParts;
  private readonly number: number;
  private readonly message: lightcone.Resume;
  private changes: ChangesSince | undefined;
  private kept: readonly Candidate[] = [];
  private place: StandOfDatabase | undefined;
  /** Whether it counts among those that are gathered now. */
  private isGathering = false;
  /** What the next host is to restore. */
  note: ResumeNote | undefined;
  isWhole = false;
  isWaiting = false;

  /** @param number of the client's message */
  constructor(parts: ResumeParts, number: number, message: lightcone.Resume) {
    this.parts = parts;
    this.number = number;
    this.message = message;
  }

  get isLate(): boolean {
    return this.changes?.isLate === true;
  }

  gather(): void {
    if (this.changes === undefined) this.begin();
    this.changes?.gather();
    const isTooMuch = this.changes?.isTooMuch === true;
    if (isTooMuch) this.giveUp("there are too many changes");
    this.isWhole = !this.isWaiting && (isTooMuch || this.changes?.isWhole !== false);
    if (this.isWhole) this.close();
  }

  /** Holds what goes on, if it is known what has changed: as of now, which is the state that the changes lead to. */
  private begin(): void {
    const { context, recent, sets, encoder, channel } = this.parts;
    const { lineage, place } = this.message;
    const own = lineageOf(context.identity, channel.info.caller);
    const isOwn = lineage.length === own.length && own.every((byte, index) => byte === lineage[index]);
    const found = isOwn
      ? recent.after({ offset: Number(place.offset), timestampMicros: Number(place.timestampMicros) })
      : "gone";
    this.isWaiting = found === "later" || (found !== "gone" && !recent.beginGathering());
    if (typeof found === "string" || this.isWaiting) return;
    this.isGathering = true;
    context.critical.run(() => {
      this.kept = this.candidates();
      for (const { querySetId, wanted } of this.kept) {
        if (typeof sets.hold(querySetId, wanted, this.number) !== "string") continue;
        sets.letGo(this.number);
        this.kept = [];
        break;
      }
    });
    this.place = encoder.place();
    if (this.kept.length > 0) this.note = sets.noteOf(this.number);
    this.changes = this.changesOf(found);
  }

  private changesOf(commits: CommitRun): ChangesSince {
    return new ChangesSince(
      this.parts.context,
      commits,
      this.kept.flatMap(({ queries }) => queries),
    );
  }

  private candidates(): readonly Candidate[] {
    const { sets } = this.parts;
    let candidates: Candidate[] = [];
    /** Tables of sets that do not go on. */
    const spoilt = new Set<TableId>();
    const ids = new Set<number>();
    const held = { sets: 0, queries: 0 };
    for (const { querySetId, queries: texts } of this.message.sets) {
      const wanted = sets.wantedOf(querySetId, texts, held);
      // The client has rows of it, of tables that nobody can tell any more.
      if (typeof wanted === "string" || ids.has(querySetId)) return [];
      const queries = this.queriesOf(wanted);
      if (queries === undefined) for (const table of tablesOf(wanted)) spoilt.add(table);
      else candidates.push({ querySetId, wanted, queries });
      ids.add(querySetId);
      held.sets += 1;
      held.queries += wanted.length;
    }
    for (;;) {
      const clean: Candidate[] = [];
      const unclean: Candidate[] = [];
      for (const each of candidates)
        (tablesOf(each.wanted).some((table) => spoilt.has(table)) ? unclean : clean).push(each);
      if (unclean.length === 0) return candidates;
      for (const { wanted } of unclean) for (const table of tablesOf(wanted)) spoilt.add(table);
      candidates = clean;
    }
  }

  /** Undefined where commits alone do not say what has changed of all of them. */
  private queriesOf(wanted: readonly WantedQuery[]): Candidate["queries"] | undefined {
    const { context, channel } = this.parts;
    const queries: Candidate["queries"][number][] = [];
    for (const { plan } of wanted) {
      const table = defined(plan.sources[0], "the source").table;
      if (table.def.isEvent) continue; // what has happened meanwhile is kept by nobody
      const test = rowTestOf(plan, bindParams(plan, channel.info.caller.identity));
      if (test === undefined || context.store.table(table.id) === undefined) return undefined;
      queries.push({ table: table.id, test, inserts: new BsatnRows(), deletes: new BsatnRows() });
    }
    return queries;
  }

  close(): void {
    this.changes?.close();
    if (this.isGathering) this.parts.recent.endGathering();
    this.isGathering = false;
  }

  readonly encode = (): readonly Piece[] => {
    const { context, encoder } = this.parts;
    const schemaOf = (id: TableId) => defined(context.store.schema(id), `table ${id}`);
    const tables = new Set(this.kept.flatMap(({ queries }) => queries.map(({ table }) => table)));
    const sets = this.kept.map(({ querySetId, queries }): ResumedChanges => ({
      querySetId,
      changes: queries
        .filter(({ inserts, deletes }) => inserts.count + deletes.count > 0)
        .map(({ table, inserts, deletes }) => ({ table: schemaOf(table), inserts, deletes })),
    }));
    return encoder.resumed(this.message.requestId, sets, [...tables].map(schemaOf), this.place);
  };

  /** There was no time left: the client subscribes anew. */
  readonly fail = (): Piece => {
    this.giveUp("the changes took too long");
    const [piece] = this.encode();
    return defined(piece, "a message without rows");
  };

  /** Nothing goes on. */
  private giveUp(reason: string): void {
    const { channel, sets } = this.parts;
    // Messages that wait behind the answer change rows of sets that it would say are not held.
    if (this.kept.length > 0 && channel.holdsBack) channel.end(1011, reason);
    sets.letGo(this.number);
    this.kept = [];
    this.place = undefined;
    this.note = undefined;
  }
}

function tablesOf(wanted: readonly WantedQuery[]): readonly TableId[] {
  return wanted.flatMap(({ plan }) => plan.sources.map(({ table }) => table.id));
}
