/** The list of people: who is here now, and who was. */
import type { Identity } from "lightcone/client";
import { byId, makeFace, nameOf, setLetter, setText, type User } from "./person.ts";

/** Of those who left, how many are worth showing. */
const earlierMax = 12;

const online = byId("online");
const earlier = byId("earlier");
const earlierTitle = byId("earlier-title");

const items = new Map<string, HTMLElement>();

/** Brings the list up to date. `rename` runs when the person of this window wants another name. */
export function showPeople(users: readonly User[], me: Identity | undefined, rename: () => void): void {
  const isMe = (user: User): boolean => me !== undefined && user.identity.isEqual(me);
  const sorted = users.toSorted(
    (a, b) => Number(isMe(b)) - Number(isMe(a)) || nameOf(a, a.identity).localeCompare(nameOf(b, b.identity)),
  );
  const here = sorted.filter((user) => user.online || isMe(user));
  const gone = sorted.filter((user) => !user.online && !isMe(user) && user.name !== undefined).slice(0, earlierMax);
  const show = (user: User): HTMLElement => itemOf(user, isMe(user), rename);
  online.replaceChildren(...here.map(show));
  earlier.replaceChildren(...gone.map(show));
  earlierTitle.hidden = gone.length === 0;
}

function itemOf(user: User, isMe: boolean, rename: () => void): HTMLElement {
  const key = `${user.identity.toHexString()} ${isMe}`;
  const item = items.get(key) ?? makeItem(user, isMe, rename);
  items.set(key, item);
  const [face, words] = [item.children[0] as HTMLElement, item.children[1] as HTMLElement]; // as made below
  const name = nameOf(user, user.identity);
  setLetter(face, name);
  face.classList.toggle("online", user.online);
  setText(words.firstElementChild as HTMLElement, name);
  item.title = name;
  const button = item.querySelector("button");
  if (button !== null) button.hidden = user.name === undefined; // still asked for
  return item;
}

function makeItem(user: User, isMe: boolean, rename: () => void): HTMLElement {
  const item = document.createElement("li");
  item.className = "person";
  const words = document.createElement("span");
  words.className = "person-name";
  words.append(document.createElement("span"));
  item.append(makeFace(user.identity), words);
  if (isMe) {
    const you = document.createElement("span");
    you.className = "person-you";
    you.textContent = " (you)";
    words.append(you);
    const button = document.createElement("button");
    button.type = "button";
    button.className = "rename";
    button.textContent = "Rename";
    button.ariaLabel = "Change your name";
    button.addEventListener("click", rename);
    item.append(button);
  }
  return item;
}
