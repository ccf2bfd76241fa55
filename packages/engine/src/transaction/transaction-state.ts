/**
 * The state of the store's one transaction, and the steps of its undo log. Generated code names both, as numbers.
 *
 * The state tells of operations that were left half done. It is `writing` from the first store of a mutation to the
 * last; a call that finds it so knows that an exception ended the one before, and that memory can no longer be
 * trusted.
 */
export const TransactionState = {
  /** A transaction is open and between two operations. */
  open: 0,
  /** A mutation is under way. */
  writing: 1,
  /** No transaction is open. */
  closed: 2,
  /** A mutation was interrupted. */
  poisoned: 3,
} as const;

/** The low bits of a logged step. To a step that allocated a slot its source is added: `SlotSource`. */
export const Step = { insert: 0, update: 4, delete: 8, revive: 9, other: 10, replace: 12 } as const;
export const slotSourceMask = 3;
export const stepBits = 4;
export const stepMask: number = (1 << stepBits) - 1;
/** Words of a step in the log: table position and step, the row (of a replacement its image), the row it replaced. */
export const stepWords = 3;
