/** Rows that queries have now, as answers carry them: read at one offset, at once where they are few, else in slices. */
import { defined, isLightconeError } from "@lightcone/base";
import type { TableSchema } from "@lightcone/schema";
import type { SelectPlan } from "@lightcone/sql";
import type { DatabaseContext } from "../core/context.ts";
import type { ResumeNote } from "../link/link.ts";
import type { Piece } from "../link/piece.ts";
import { SlicedRead } from "../subscriptions/sliced-read.ts";
import type { Channel, Outlet } from "./wire.ts";

/** Takes rows one by one, in the form that they are sent in. */
export interface RowGatherer {
  readonly count: number;
  add(bytes: Uint8Array, at: number, length: number): void;
}

/** The rows of one query, as they were gathered for an answer. */
export interface QueryRows {
  readonly table: TableSchema;
  /** Whether rules hide rows of its tables. */
  readonly isRuled: boolean;
  readonly rows: RowGatherer;
}

/** Rows on their way: of queries that are asked for at one offset. */
export interface RowsRead {
  readonly read: SlicedRead;
  readonly queries: readonly QueryRows[];
}

/** A message that carries rows. */
export interface RowsMessage {
  /** Encodes it. */
  readonly encode: (queries: readonly QueryRows[]) => readonly Piece[];
  /** Undoes what its request did, and encodes why. */
  readonly fail: (text: string) => Piece;
  /** Of first rows. Sent just before the end of the message: with the answer, the request is forgotten. */
  readonly note?: ResumeNote;
}

/** The rows that an answer has entries for. One without rows would say that there are some which rules hide. */
export function entriesOf(queries: readonly QueryRows[]): readonly QueryRows[] {
  return queries.filter(({ isRuled, rows }) => !isRuled || rows.count > 0);
}

export class FirstRows {
  private readonly context: DatabaseContext;
  private readonly gather: (table: TableSchema) => RowGatherer;
  private readonly channel: Channel;

  /** @param gather begins a list of rows of a table */
  constructor(context: DatabaseContext, channel: Channel, gather: (table: TableSchema) => RowGatherer) {
    this.context = context;
    this.gather = gather;
    this.channel = channel;
  }

  /** Begins to read the rows that plans have now; the text of why there are none. */
  read(plans: readonly SelectPlan[]): RowsRead | string {
    const { context, channel } = this;
    const queries = plans.map((plan) => this.of(plan));
    try {
      return { read: new SlicedRead(context, queries, channel.info.caller), queries };
    } catch (error) {
      if (!isLightconeError(error)) throw error;
      return error.told;
    }
  }

  /** The rows of a plan, none of them read yet. */
  of(plan: SelectPlan): QueryRows & { readonly plan: SelectPlan } {
    const id = defined(plan.sources[0], "the source").table.id;
    const table = defined(this.context.relations.schema(id), `table ${id}`);
    return { plan, table, isRuled: plan.isRuled, rows: this.gather(table) };
  }

  /** Whether a query's tables have rows: queries over others have no entry in an answer. `entriesOf` looks at those under rules. */
  areOver(plan: SelectPlan): boolean {
    return (
      plan.isRuled || plan.sources.every(({ table }) => (this.context.relations.table(table.id)?.rowCount ?? 0) > 0)
    );
  }

  /** Answers with the rows that plans have now, or with why there are none. */
  answer(outlet: Outlet, plans: readonly SelectPlan[], message: RowsMessage): void {
    const read = this.read(plans);
    if (typeof read === "string") outlet.send(message.fail(read));
    else this.send(outlet, read, message);
  }

  /** Sends a message with rows, in slices if there are many. */
  send(outlet: Outlet, { read, queries }: RowsRead, { encode, fail, note }: RowsMessage): void {
    if (!read.isWhole) {
      const failLate = (text: string): Piece => {
        // Messages that wait behind first rows change them: a client that would get those could not count right any more.
        if (note !== undefined && this.channel.holdsBack) this.channel.end(1011, text);
        return fail(text);
      };
      outlet.sendInSlices({ read, encode: () => encode(queries), fail: failLate, note });
      return;
    }
    if (note !== undefined) this.channel.note(note);
    outlet.sendParts(encode(queries));
  }
}
