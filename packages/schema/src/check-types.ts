/**
 * The rules about types: what has a name, what is named how, and where a type without a name may stand.
 *
 * Clients in other languages need a name for every product and sum that is not one of the special types,
 * so such a type is always a `Ref` to a named definition. Option, Result and Array may stand anywhere.
 */
import {
  isOption,
  isResult,
  isUnit,
  specialKind,
  typeDepthMax,
  variantsMax,
  type AlgebraicType,
  type Member,
  type Typespace,
} from "@lightcone/sats";
import { shortType, type Checking } from "./checking.ts";

export function checkTypes(checking: Checking): void {
  const { draft, problems } = checking;
  for (const [ref, type] of draft.typespace.entries()) {
    if (isNamedKind(type)) checkMembers(checking, type, nameOfRef(checking, ref));
    else checkUse(checking, type, nameOfRef(checking, ref));
  }

  const names = new Set<string>();
  for (const type of draft.types) {
    const name = [...type.scope, type.name].join(".");
    if (names.has(name)) problems.add(`two types are called \`${name}\``);
    names.add(name);
    for (const part of type.scope) checking.checkIdentifier(part, `the scope of type \`${name}\``);
    checking.checkIdentifier(type.name, `type \`${name}\``);
    const target = draft.sourceTypespace[type.ref];
    if (target === undefined) {
      problems.add(`type \`${name}\` is type ${type.ref} of ${draft.typespace.length}`);
    } else if (!type.customOrdering && !isInDefaultOrder(membersOf(target))) {
      problems.add(`type \`${name}\` says that its members are sorted by name, but they are not`);
    }
  }
}

/**
 * Checks a type where it is used: in a column, a parameter, a result, or inside another type.
 *
 * Looks at `Ref`s but not through them: each entry of the typespace is checked once, on its own.
 */
export function checkUse(checking: Checking, type: AlgebraicType, where: string): void {
  switch (type.kind) {
    case "Ref": {
      const target = followRefs(checking.draft.typespace, type.index);
      if (target === undefined) {
        checking.problems.add(`${where}: type ${type.index} does not exist, or points at itself`);
      } else if (isNamedKind(target.type) && !checking.nameByRef.has(target.ref)) {
        checking.problems.add(`${where}: type ${target.ref} must be a named type of the module`);
      }
      return;
    }
    case "Array":
      checkUse(checking, type.element, where);
      return;
    case "Sum":
      if (isOption(type) || isResult(type)) {
        for (const variant of type.variants) checkUse(checking, variant.type, where);
        return;
      }
      break;
    default:
  }
  if (isNamedKind(type)) {
    checking.problems.add(`${where}: ${shortType(type)} must be a named type of the module`);
  }
}

/** Checks parameters: each has a name of its own and a type that may be used. */
export function checkParams(checking: Checking, params: readonly Member[], what: string): void {
  const names = new Set<string>();
  for (const [i, param] of params.entries()) {
    if (param.name === undefined) {
      checking.problems.add(`${what}: parameter ${i} has no name`);
    } else {
      checking.checkIdentifier(param.name, `${what}, parameter ${i}`);
      if (names.has(param.name)) checking.problems.add(`${what}: two parameters are called \`${param.name}\``);
      names.add(param.name);
    }
    checkUse(checking, param.type, `${what}, parameter \`${param.name ?? i}\``);
  }
}

/** The entry that a chain of `Ref`s ends at; undefined when it has no end within bounds. */
export function followRefs(typespace: Typespace, ref: number): { ref: number; type: AlgebraicType } | undefined {
  let at = ref;
  for (let step = 0; step < typeDepthMax; step += 1) {
    const type = typespace[at];
    if (type === undefined) return undefined;
    if (type.kind !== "Ref") return { ref: at, type };
    at = type.index;
  }
  return undefined;
}

/** Whether such a type must have a name: a product or sum without a meaning of its own. */
function isNamedKind(type: AlgebraicType): boolean {
  if (specialKind(type) !== undefined) return false;
  if (type.kind === "Product") return !isUnit(type);
  if (type.kind === "Sum") return type.variants.length > 0 && !isOption(type) && !isResult(type);
  return false;
}

function checkMembers(checking: Checking, type: AlgebraicType, where: string): void {
  const noun = type.kind === "Sum" ? "variant" : "element";
  const members = membersOf(type);
  if (type.kind === "Sum" && members.length > variantsMax) {
    checking.problems.add(`${where} has ${members.length} variants; a sum has at most ${variantsMax}`);
  }
  const names = new Set<string>();
  for (const [i, member] of members.entries()) {
    if (member.name === undefined) {
      checking.problems.add(`${where}: ${noun} ${i} has no name`);
    } else {
      checking.checkIdentifier(member.name, `${where}, ${noun} ${i}`);
      if (names.has(member.name)) checking.problems.add(`${where}: two ${noun}s are called \`${member.name}\``);
      names.add(member.name);
    }
    checkUse(checking, member.type, `${where}, ${noun} \`${member.name ?? i}\``);
  }
}

function membersOf(type: AlgebraicType): readonly Member[] {
  return type.kind === "Product" ? type.elements : type.kind === "Sum" ? type.variants : [];
}

function nameOfRef(checking: Checking, ref: number): string {
  const named = checking.nameByRef.get(ref);
  return named === undefined ? `type ${ref}` : `type \`${named}\``;
}

/** Unnamed members first, then named ones by the bytes of their names. */
function isInDefaultOrder(members: readonly Member[]): boolean {
  return members.every((member, i) => {
    const before = members[i - 1];
    if (before?.name === undefined) return true;
    return member.name !== undefined && compareUtf8(before.name, member.name) <= 0;
  });
}

/** Orders by the bytes of UTF-8, which is the order of code points. */
function compareUtf8(a: string, b: string): number {
  const left = Array.from(a);
  const right = Array.from(b);
  for (let i = 0; i < left.length && i < right.length; i += 1) {
    const difference = (left[i]?.codePointAt(0) ?? 0) - (right[i]?.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}
