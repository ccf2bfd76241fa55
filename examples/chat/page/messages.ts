/**
 * The conversation. A row keeps its object for as long as it is there, so each has one element; a change moves
 * only what changed, and nothing flickers when the client comes back from a lost connection.
 */
import type { Identity, RowOf } from "lightcone/client";
import type * as chat from "../module/src/index.ts";
import { dayKey, dayName, timeOfDay, wholeTime } from "./days.ts";
import { byId, makeFace, nameOf, setLetter, setText, type User } from "./person.ts";

export type Message = RowOf<typeof chat, "message">;

/** What was said here and is not in the table yet. */
export interface Pending {
  readonly text: string;
  /** What is unclear about it, with what to do; nothing while it is on its way. */
  readonly trouble: { readonly text: string; readonly again: () => void; readonly forget: () => void } | undefined;
}

export interface Conversation {
  readonly messages: readonly Message[];
  readonly pending: readonly Pending[];
  readonly me: Identity | undefined;
  readonly userOf: (identity: Identity) => User | undefined;
}

/** Of a long conversation, the end. */
const shownMax = 500;
/** What one person says within this long stands under one name. */
const togetherMs = 5 * 60_000;

const list = byId("messages");
const scroller = byId("scroller");
const newest = byId<HTMLButtonElement>("newest");
const empty = byId("empty");
const sky = byId("sky");

interface Item {
  readonly element: HTMLElement;
  readonly face: HTMLElement;
  readonly name: HTMLElement;
}
const items = new WeakMap<Message, Item>();
const days = new Map<string, HTMLElement>();
const pendingItems = new WeakMap<Pending, HTMLElement>();
let hasShown = false;

const isAtEnd = (): boolean => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 80;

/** Scrolls to what was said last. */
export function toEnd(): void {
  scroller.scrollTop = scroller.scrollHeight;
  newest.hidden = true;
}
newest.addEventListener("click", toEnd);
scroller.addEventListener("scroll", () => (newest.hidden ||= isAtEnd()), { passive: true });
// The room is smaller once a keyboard shows, and what was said last should stay in sight.
let wasAtEnd = true;
scroller.addEventListener("scroll", () => (wasAtEnd = isAtEnd()), { passive: true });
new ResizeObserver(() => wasAtEnd && toEnd()).observe(scroller);

/** Lets word of a message spread over the sky. */
export function sendWave(isMine: boolean): void {
  // Where nothing moves, nothing would end; and many at once would be no sight.
  if (matchMedia("(prefers-reduced-motion: reduce)").matches || sky.childElementCount > 4) return;
  const wave = make("i", isMine ? "wave own" : "wave");
  wave.addEventListener("animationend", () => wave.remove());
  sky.append(wave);
}

/** Brings the conversation up to date. */
export function showConversation(conversation: Conversation): void {
  const { pending } = conversation;
  const messages = conversation.messages.toSorted(bySent).slice(-shownMax);
  const follow = !hasShown || isAtEnd();
  const before = list.childElementCount;
  place([...messageElements(messages, conversation), ...pending.map(pendingElement)]);
  empty.hidden = messages.length + pending.length > 0;
  if (follow) toEnd();
  else if (list.childElementCount > before) newest.hidden = false;
  hasShown = true;
  // Only what is said from now on is read out.
  setTimeout(() => (list.ariaLive = "polite"));
}

function bySent(a: Message, b: Message): number {
  const [left, right] = [a.sent.microsSinceUnixEpoch, b.sent.microsSinceUnixEpoch];
  return left < right ? -1 : left > right ? 1 : 0;
}

function* messageElements(messages: readonly Message[], { me, userOf }: Conversation): Generator<HTMLElement> {
  const now = new Date();
  for (const [index, message] of messages.entries()) {
    const sent = message.sent.toDate();
    const before = messages[index - 1];
    if (before === undefined || dayKey(before.sent.toDate()) !== dayKey(sent)) yield dayElement(sent, now);
    const isMine = me !== undefined && message.sender.isEqual(me);
    const item = items.get(message) ?? makeItem(message, sent, isMine);
    items.set(message, item);
    const name = nameOf(userOf(message.sender), message.sender);
    setText(item.name, name);
    setLetter(item.face, name);
    const { classList } = item.element;
    classList.toggle("mine", isMine);
    classList.toggle("first", !areTogether(before, message));
    classList.toggle("last", !areTogether(message, messages[index + 1]));
    yield item.element;
  }
}

function areTogether(a: Message | undefined, b: Message | undefined): boolean {
  if (a === undefined || b === undefined || !a.sender.isEqual(b.sender)) return false;
  const [earlier, later] = [a.sent.toDate(), b.sent.toDate()];
  return later.getTime() - earlier.getTime() < togetherMs && dayKey(earlier) === dayKey(later);
}

/** Puts `wanted` into the list in order, touching only what is not in its place. */
function place(wanted: readonly HTMLElement[]): void {
  const keep = new Set<Element>(wanted);
  let at = list.firstElementChild;
  while (at !== null) {
    const next: Element | null = at.nextElementSibling;
    if (!keep.has(at)) at.remove();
    at = next;
  }
  at = list.firstElementChild;
  for (const element of wanted) {
    if (element === at) at = at.nextElementSibling;
    else list.insertBefore(element, at);
  }
}

function makeItem(message: Message, sent: Date, isMine: boolean): Item {
  // One's own has come in already, when it was on its way.
  const [element, name, face] = [makeMessage(message.text, !isMine), make("span", "name"), makeFace(message.sender)];
  const time = make("time", "");
  time.dateTime = sent.toISOString();
  time.title = wholeTime(sent);
  time.textContent = timeOfDay(sent);
  const head = make("div", "head");
  head.append(name, time);
  element.prepend(face, head);
  return { element, face, name };
}

function makeMessage(text: string, comesIn: boolean): HTMLElement {
  const element = make("li", "message");
  if (hasShown && comesIn) element.classList.add("arrived");
  const body = make("div", "body");
  body.textContent = text;
  element.append(body);
  return element;
}

function pendingElement(pending: Pending): HTMLElement {
  const known = pendingItems.get(pending);
  if (known !== undefined) return known;
  const element = makeMessage(pending.text, pending.trouble === undefined);
  element.classList.add("mine", "pending", "first", "last");
  if (pending.trouble !== undefined) {
    const { text, again, forget } = pending.trouble;
    const note = make("p", "note");
    note.append(`${text} `, makeButton("Send again", again), " · ", makeButton("Leave it", forget));
    element.append(note);
  }
  pendingItems.set(pending, element);
  return element;
}

function makeButton(text: string, run: () => void): HTMLElement {
  const button = make("button", "");
  button.type = "button";
  button.textContent = text;
  button.addEventListener("click", run);
  return button;
}

function dayElement(date: Date, now: Date): HTMLElement {
  const key = dayKey(date);
  const element = days.get(key) ?? make("li", "day");
  days.set(key, element);
  setText(element, dayName(date, now));
  return element;
}

function make<K extends keyof HTMLElementTagNameMap>(tag: K, className: string): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (className !== "") element.className = className;
  return element;
}
