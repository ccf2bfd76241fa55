/** The module ABI's error numbers that a data call can end with: docs/spec wasm-abi.md §2.1. */
export const Errno = {
  notInTransaction: 2,
  bsatnDecode: 3,
  noSuchTable: 4,
  noSuchIndex: 5,
  wrongIndexAlgorithm: 10,
  uniqueAlreadyExists: 12,
  indexNotUnique: 14,
  noSuchRow: 15,
} as const;
export type Errno = (typeof Errno)[keyof typeof Errno];
