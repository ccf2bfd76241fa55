/** How a person looks: a name, a letter, a colour that is always the same. */
import type { Identity, RowOf } from "lightcone/client";
import type * as chat from "../module/src/index.ts";

export type User = RowOf<typeof chat, "user">;

/** The name that someone goes by; those who gave none go by a few digits of their identity. */
export function nameOf(user: User | undefined, identity: Identity): string {
  // The first digits of every identity are alike.
  return user?.name ?? `guest ${identity.toHexString().slice(12, 16)}`;
}

/** A round picture of someone: their first letter on their colour. Says nothing that the name beside it does not. */
export function makeFace(identity: Identity): HTMLElement {
  const face = document.createElement("span");
  face.className = "face";
  face.ariaHidden = "true";
  face.style.setProperty("--hue", String((Number.parseInt(identity.toHexString().slice(12, 16), 16) * 137) % 360));
  return face;
}

/** Puts the name's first letter on a face. */
export function setLetter(face: HTMLElement, name: string): void {
  const [first] = new Intl.Segmenter().segment(name.trim());
  setText(face, (first?.segment ?? "?").toLocaleUpperCase());
}

/** Changes a text only where it differs, so that nothing is announced or laid out again for nothing. */
export function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** An element of the page that is known to be there. */
export function byId<E extends HTMLElement = HTMLElement>(id: string): E {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no #${id}`);
  // The page and this script are written together.
  return element as E;
}
