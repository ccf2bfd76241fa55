/** Skips encoded values, which must be valid: nothing is checked here. */
import type { AlgebraicType } from "./algebraic-type.ts";
import { fixedSizeOf } from "./measure.ts";

/** Where the value at `at` ends. */
export type Skip = (view: DataView, at: number) => number;

/** Makes the function that skips a value of a type without `Ref`s. */
export function makeSkip(type: AlgebraicType): Skip {
  const size = fixedSizeOf(type);
  if (size !== undefined) return (_, at) => at + size;
  switch (type.kind) {
    case "String":
      return (view, at) => at + 4 + view.getUint32(at, true);
    case "Array": {
      const elementSize = fixedSizeOf(type.element);
      if (elementSize !== undefined) return (view, at) => at + 4 + view.getUint32(at, true) * elementSize;
      const element = makeSkip(type.element);
      return (view, at) => {
        let next = at + 4;
        for (let left = view.getUint32(at, true); left > 0; left -= 1) next = element(view, next);
        return next;
      };
    }
    case "Product": {
      const elements = type.elements.map((member) => makeSkip(member.type));
      return (view, at) => elements.reduce((next, element) => element(view, next), at);
    }
    case "Sum": {
      const variants = type.variants.map((member) => makeSkip(member.type));
      return (view, at) => (variants[view.getUint8(at)] as Skip)(view, at + 1);
    }
    default:
      throw new TypeError(`values of type ${type.kind} cannot be stepped over`);
  }
}
