/**
 * The bounds on what a decoder here takes. Hostile input meets one of these before it meets the stack or
 * the heap. `docs/limits.md` lists them.
 */

/** Levels of nesting in a type, read from bytes, from JSON, or unfolded from a typespace. */
export const typeDepthMax = 64;

/** Types within a type once every `Ref` is unfolded; a typespace of 60 entries can otherwise name 2^60. */
export const typeNodesMax = 65_536;

/** Levels of nesting in a value; only recursive types come near it. A type of `typeDepthMax`, as a value, fits. */
export const valueDepthMax = 320;

/** Elements of an array whose elements take no bytes; any other count is bounded by the input's length. */
export const zeroSizedElementsMax = 65_536;

/** Levels of nesting in a JSON text. */
export const jsonDepthMax = 512;

/** Variants of a sum: the tag is one byte. */
export const variantsMax = 256;
