/** The messages of version 1 to a client: what they say, whichever form encodes them. */
import type { TableSchema } from "@lightcone/schema";
import type { TransactionHead } from "@lightcone/protocol";
import type { DeltaPart } from "@lightcone/query";
import type { AlgebraicType } from "@lightcone/sats";
import type { CommitHead } from "../../core/call.ts";
import type { Piece } from "../../link/piece.ts";
import type { QueryRows, RowGatherer } from "../first-rows.ts";

export type AppliedKind =
  | "SubscribeApplied"
  | "UnsubscribeApplied"
  | "SubscribeMultiApplied"
  | "UnsubscribeMultiApplied";

/** Of a call that changed nothing there is one message, and no ending to copy. */
export type UpdateHead = TransactionHead & Partial<Pick<CommitHead, "ending">>;

export interface Encoder {
  /** This form's place in `DeltaPart.encoded`: see `encodedForms`. */
  readonly form: 0 | 1;
  identityToken(identity: Uint8Array, token: string, connection: Uint8Array): Piece;
  /** A transaction that was committed; `light` leaves the head out. */
  update(changes: readonly DeltaPart[], head: UpdateHead, light: boolean): Piece;
  /** A call that changed nothing. */
  failure(message: string, head: TransactionHead): Piece;
  gather(table: TableSchema): RowGatherer;
  applied(
    kind: AppliedKind,
    requestId: number,
    durationMicros: number,
    queryId: number,
    queries: readonly QueryRows[],
  ): readonly Piece[];
  /** Rows that a client has and may not keep, outside of any transaction. */
  withdrawn(queries: readonly QueryRows[]): readonly Piece[];
  initial(requestId: number, durationMicros: number, queries: readonly QueryRows[]): readonly Piece[];
  subscriptionError(
    durationMicros: number,
    requestId: number | undefined,
    queryId: number | undefined,
    message: string,
  ): Piece;
  oneOff(messageId: Uint8Array, durationMicros: number, result: QueryRows): readonly Piece[];
  oneOffError(messageId: Uint8Array, durationMicros: number, message: string): Piece;
  procedureResult(
    value: Uint8Array,
    type: AlgebraicType,
    timestampMicros: number,
    durationMicros: number,
    requestId: number,
  ): Piece;
  procedureFailure(message: string, timestampMicros: number, durationMicros: number, requestId: number): Piece;
}
