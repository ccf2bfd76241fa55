/**
 * What the rows of a link are, so that a later link can go on from them: which query sets they are of, as of which place.
 *
 *   link lost ─▶ next link, the same lineage ─ resume ─▶ these sets go on, this is what has changed; the others anew
 *
 * A server says places in its own sub-protocol alone (docs/protocol.md). To a client they are bytes.
 */
import type { Said } from "./wire.ts";

/** Attempts to go on from a place that may end before there is an answer. */
const triesMax = 3;

export class Standing {
  /** Whose places they are: a database's, as one caller sees it. */
  lineage: Uint8Array | undefined;
  /** The state that the rows are of. */
  place: Uint8Array | undefined;
  /** The texts of the sets that the rows are of, by id. */
  readonly sets = new Map<number, readonly string[]>();
  /** Times that a link ended before it had an answer. */
  tries = 0;

  /** A message is in the rows. @param texts of what was subscribed to */
  note(said: Said, texts: ReadonlyMap<number, readonly string[]>): void {
    if (said.place !== undefined) this.place = said.place;
    if (said.kind === "applied") this.sets.set(said.id, texts.get(said.id) ?? []);
    else if (said.kind === "changed" && said.ended !== undefined) this.sets.delete(said.ended);
    else if (said.kind === "refused" && said.id !== undefined) this.sets.delete(said.id);
  }

  /** Whether a server may be asked to go on from here. */
  isOf(lineage: Uint8Array | undefined): boolean {
    const own = this.lineage;
    if (lineage === undefined || own?.length !== lineage.length || this.place === undefined) return false;
    return this.sets.size > 0 && this.tries < triesMax && lineage.every((byte, index) => byte === own[index]);
  }
}
