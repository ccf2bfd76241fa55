/** Messages about commits: each is made once for all whose queries changed by the same parts. */
import type { DeltaPart } from "@lightcone/query";
import type { CommitHead } from "../../core/call.ts";
import type { Piece } from "../../link/piece.ts";
import type { Encoder } from "./encoder.ts";

export class Updates {
  private readonly encoder: Encoder;

  constructor(encoder: Encoder) {
    this.encoder = encoder;
  }

  /** @param isLight whether who made the call is left out */
  message(changes: DeltaPart[], commit: CommitHead, isLight: boolean): Piece {
    const { encoder } = this;
    const [first] = changes;
    if (first === undefined) return encoder.update(changes, commit, isLight);
    if (changes.length === 1) {
      const form = first.encoded[encoder.form];
      const made = (isLight ? form.light : form.whole) as Piece | undefined; // such places hold nothing else
      if (made !== undefined) return made;
      const message = encoder.update(changes, commit, isLight);
      if (!first.isShared) return message;
      if (isLight) form.light = message;
      else form.whole = message;
      return message;
    }
    changes.sort(byTable);
    const key = `${encoder.form}.${isLight}:${changes.map((change) => change.number).join(",")}`;
    let message = commit.messages.get(key);
    if (message === undefined) {
      message = encoder.update(changes, commit, isLight);
      commit.messages.set(key, message);
    }
    return message;
  }
}

function byTable(a: DeltaPart, b: DeltaPart): number {
  return a.table.id - b.table.id || a.number - b.number;
}
