/**
 * The page of the to-do lists: what the views give is shown, what is done calls a reducer. Its types come from the
 * module's own file; nothing else of the module gets into the page.
 *
 * What is done here shows at once, by `guesses.ts`, and its row replaces it when it comes; if the module refuses it, it is taken back.
 */
import { connect, isLightconeError, webTokenStore, type RowOf } from "lightcone/client";
import lightcone from "../lightcone.json" with { type: "json" };
import * as schema from "../module/built/schema.ts";
import type * as todo from "../module/src/index.ts";
import { guesses, isSaved } from "./guesses.ts";

type Task = RowOf<typeof todo, "task">;

// `?as=NAME` makes a window somebody else, to try sharing with oneself.
const address = new URL(location.href);
const as = address.searchParams.get("as") ?? "me";
const db = connect<typeof todo>({
  uri: location.origin,
  database: lightcone.database,
  schema,
  tokenStore: webTokenStore(localStorage, `todo.token.${as}`),
  optimistic: guesses,
  onState: (state) => (byId("state").textContent = state === "open" ? "live" : state === "waiting" ? "offline" : state),
  onError: ({ message }) => tell(`${message}. Reload the page to try again.`),
});
const { myLists, myMembers, myTasks } = db.tables;

/** The list that is open; undefined for a new one. */
let open: bigint | undefined = readOpen();
let invitation = address.searchParams.get("join") ?? undefined;

// --- what there is to see

function show(): void {
  const lists = [...myLists.rows()].sort((a, b) => Number(a.id - b.id));
  const current = invitation === undefined ? (lists.find(({ id }) => id === open) ?? undefined) : undefined;
  byId("lists").replaceChildren(
    ...lists.map(({ id, title }) => tab(title, id === current?.id, () => go(id))),
    tab("New list", current === undefined, () => go(undefined)),
  );
  byId("list").hidden = current === undefined;
  byId("begin").hidden = current !== undefined;
  byId("begin-title").textContent = invitation === undefined ? "A new list" : "You are invited to a list";
  byId("title-label").hidden = invitation !== undefined;
  byId<HTMLInputElement>("new-title").required = invitation === undefined;
  if (current === undefined) return;

  byId("title").textContent = current.title;
  const members = myMembers.rows().filter(({ list }) => list === current.id);
  byId("members").textContent = members.map(({ name, isOwner }) => (isOwner ? `${name} (owner)` : name)).join(", ");
  const tasks = myTasks
    .rows()
    .filter(({ list }) => list === current.id)
    .sort((a, b) => Number(a.isDone) - Number(b.isDone) || Number(a.id - b.id));
  byId("tasks").replaceChildren(...tasks.map(item));
  byId("clear").hidden = !tasks.some(({ isDone }) => isDone);
}

function tab(words: string, isCurrent: boolean, press: () => void): HTMLElement {
  const button = make("button", words);
  button.type = "button";
  if (isCurrent) button.setAttribute("aria-current", "true");
  button.addEventListener("click", press);
  return button;
}

function item(task: Task): HTMLElement {
  const row = make("li");
  row.classList.toggle("done", task.isDone);
  row.classList.toggle("pending", !isSaved(task.id));
  const label = make("label");
  const box = make("input");
  box.type = "checkbox";
  box.checked = task.isDone;
  box.addEventListener("change", () => act(db.reducers.setDone({ task: task.id, isDone: box.checked })));
  label.append(box, make("span", task.text), make("small", task.by));
  const remove = make("button", "×");
  remove.type = "button";
  remove.ariaLabel = `Remove ${task.text}`;
  remove.addEventListener("click", () => act(db.reducers.removeTask({ task: task.id })));
  box.disabled = remove.disabled = !isSaved(task.id);
  row.append(label, remove);
  return row;
}

// --- what there is to do

/** What it does is seen already. */
function act(call: Promise<void>): void {
  tell("");
  call.catch(tellError);
}

on("add", "submit", (event) => {
  event.preventDefault();
  const input = byId<HTMLInputElement>("text");
  const text = input.value.trim();
  if (open === undefined || text === "") return;
  input.value = "";
  act(db.reducers.addTask({ list: open, text }));
});

on("begin", "submit", (event) => {
  event.preventDefault();
  const name = byId<HTMLInputElement>("name").value;
  localStorage.setItem(`todo.name.${as}`, name);
  const known = new Set(myLists.rows().map(({ id }) => id));
  const title = byId<HTMLInputElement>("new-title");
  const call =
    invitation === undefined
      ? db.reducers.createList({ title: title.value, name })
      : db.reducers.joinList({ invitation, name });
  void call.then(() => {
    title.value = "";
    const link = invitation;
    const isNew = ({ id, invitation: word }: { id: bigint; invitation: string }): boolean =>
      link === undefined ? !known.has(id) : word === link;
    go(myLists.rows().find(isNew)?.id);
  }, tellError);
});

on("share", "click", () => {
  const current = myLists.rows().find(({ id }) => id === open);
  if (current === undefined) return;
  const link = new URL(location.pathname, location.origin);
  link.searchParams.set("join", current.invitation);
  const copied = navigator.clipboard?.writeText(link.href) ?? Promise.reject(new Error("no clipboard"));
  copied.then(
    () => tell("The invitation is copied: who opens it is in."),
    () => tell(`Send them this: ${link.href}`),
  );
});

on("leave", "click", () => {
  const id = open;
  if (id !== undefined) void db.reducers.leaveList({ list: id }).then(() => go(undefined), tellError);
});
on("clear", "click", () => {
  if (open !== undefined) act(db.reducers.removeDone({ list: open }));
});

function go(id: bigint | undefined): void {
  open = id;
  invitation = undefined;
  localStorage.setItem(`todo.open.${as}`, String(id ?? ""));
  address.searchParams.delete("join");
  history.replaceState(null, "", address);
  tell("");
  show();
}

function readOpen(): bigint | undefined {
  const kept = localStorage.getItem(`todo.open.${as}`) ?? "";
  return /^\d+$/.test(kept) ? BigInt(kept) : undefined;
}

// --- small things

function tellError(error: unknown): void {
  if (isLightconeError(error, "ConnectionLost")) tell("The connection broke; look whether it is there, or try again.");
  else tell(error instanceof Error ? error.message : String(error));
}

function tell(words: string): void {
  byId("problem").textContent = words;
}

function byId<E extends HTMLElement = HTMLElement>(id: string): E {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no #${id}`);
  return element as E; // The page and this script are written together.
}

function make<K extends keyof HTMLElementTagNameMap>(name: K, text = ""): HTMLElementTagNameMap[K] {
  const element = document.createElement(name);
  element.textContent = text;
  return element;
}

function on<K extends keyof HTMLElementEventMap>(
  id: string,
  event: K,
  run: (event: HTMLElementEventMap[K]) => void,
): void {
  byId(id).addEventListener(event, run);
}

byId<HTMLInputElement>("name").value = localStorage.getItem(`todo.name.${as}`) ?? "";
for (const table of [myLists, myMembers, myTasks]) table.onChange(show);
await db.subscribe(myLists, myMembers, myTasks).applied;
show();
addEventListener("online", () => db.retry());
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && db.retry());
