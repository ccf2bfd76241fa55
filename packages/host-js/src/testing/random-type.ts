/** What `randomSource` compiles to. The SDK has the type for authors; this package may not see it. */
export interface Random {
  (): number;
  fill<A>(array: A): A;
  uint32(): number;
  integerInRange(min: number, max: number): number;
  bigintInRange(min: bigint, max: bigint): bigint;
}
