/**
 * The chat's page. Its types come from the module's own file: change a table there, and this page does not compile until
 * it agrees. Nothing else of the module gets into the page.
 *
 *   database ──rows──▶ db.tables ──onChange──▶ show…        forms ──▶ db.reducers ──▶ database
 */
import { connect, isLightconeError, type ConnectionState } from "lightcone/client";
import lightcone from "../lightcone.json" with { type: "json" };
import * as schema from "../module/built/schema.ts";
import type * as chat from "../module/src/index.ts";
import { sendWave, showConversation, toEnd, type Pending } from "./messages.ts";
import { showPeople } from "./people.ts";
import { byId, nameOf, setText } from "./person.ts";
import { readWho, suggestName } from "./who.ts";

const address = new URL(location.href);
const who = readWho(address);
const db = connect<typeof chat>({
  uri: location.origin,
  database: address.searchParams.get("db") ?? lightcone.database,
  schema,
  tokenStore: who.tokenStore,
  onState: showState,
  onError: ({ message }) => tell(`This page cannot go on: ${message}. Reload it to try again.`),
});
const { user: users, message: messages } = db.tables;

const page = document.documentElement;
const [join, joinName] = [byId<HTMLFormElement>("join"), byId<HTMLInputElement>("join-name")];
const [say, text] = [byId<HTMLFormElement>("say"), byId<HTMLTextAreaElement>("text")];
const [dialog, dialogName] = [byId<HTMLDialogElement>("rename"), byId<HTMLInputElement>("rename-name")];
const problem = byId("problem");

// --- what is said here and not in the table yet

let pending: readonly Pending[] = [];

function send(said: string): void {
  const mine: Pending = { text: said, trouble: undefined };
  const timesBefore = timesSaid(said);
  pending = [...pending, mine];
  show();
  toEnd();
  db.reducers.sendMessage({ text: said }).then(
    () => takeAway(mine),
    (error: unknown) => {
      if (!isLightconeError(error, "ConnectionLost")) return void trouble(mine, reasonOf(error));
      const unclear = trouble(mine, "The connection broke; this may not have arrived.");
      // Once the rows are live again, they say whether it did.
      const end = db.onState((state) => {
        if (state !== "open") return;
        end();
        if (timesSaid(said) > timesBefore) takeAway(unclear);
      });
    },
  );
}

/** How often this person said a thing. */
function timesSaid(said: string): number {
  return messages.rows().filter(({ sender, text }) => text === said && db.identity?.isEqual(sender) === true).length;
}

function takeAway(old: Pending): void {
  pending = pending.filter((one) => one !== old);
  show();
}

/** Says what is wrong with a pending message, and what can be done. */
function trouble(old: Pending, words: string): Pending {
  const again = (): void => {
    takeAway(troubled);
    send(old.text);
  };
  const troubled: Pending = { text: old.text, trouble: { text: words, again, forget: () => takeAway(troubled) } };
  pending = pending.map((one) => (one === old ? troubled : one));
  show();
  return troubled;
}

// --- what there is to see

function show(): void {
  const me = db.identity;
  showConversation({ messages: messages.rows(), pending, me, userOf: (identity) => users.get(identity) });
  showPeople(users.rows(), me, openRename);
  const own = me === undefined ? undefined : users.get(me);
  const isKnown = own?.name !== undefined;
  if (say.hidden === isKnown || (join.hidden && !isKnown)) showForm(isKnown);
}

function showForm(isKnown: boolean): void {
  say.hidden = !isKnown;
  join.hidden = isKnown;
  if (!isKnown) {
    joinName.value = suggestName(new Set(users.rows().map((user) => nameOf(user, user.identity))));
    joinName.select();
  }
  // Not on a phone, where it would open the keyboard over everything.
  if (matchMedia("(hover: hover)").matches) (isKnown ? text : joinName).focus();
}

const stateTexts: Readonly<Record<ConnectionState, string>> = {
  connecting: "connecting",
  open: "live",
  waiting: "reconnecting",
  closed: "disconnected",
};
let wasOpen = false;

function showState(state: ConnectionState): void {
  page.dataset["state"] = state;
  wasOpen ||= state === "open";
  // An attempt after the first is still a way back.
  setText(byId("state"), wasOpen && state === "connecting" ? stateTexts.waiting : stateTexts[state]);
  page.toggleAttribute("data-away", state !== "open" && (wasOpen || state === "waiting"));
}

function tell(words: string): void {
  setText(problem, words);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

// --- what there is to do

async function takeName(name: string): Promise<void> {
  try {
    await db.reducers.setName({ name });
    who.name = name;
    tell("");
  } catch (error) {
    tell(isLightconeError(error, "ConnectionLost") ? "The connection broke; try again." : reasonOf(error));
  }
}

function openRename(): void {
  const own = db.identity === undefined ? undefined : users.get(db.identity);
  dialogName.value = own?.name ?? "";
  dialog.returnValue = "";
  dialog.showModal();
  dialogName.select();
}

join.addEventListener("submit", (event) => {
  event.preventDefault();
  void takeName(joinName.value.trim());
});

say.addEventListener("submit", (event) => {
  event.preventDefault();
  const said = text.value.trim();
  if (said === "") return;
  text.value = "";
  send(said);
});

text.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  say.requestSubmit();
});

byId("rename-cancel").addEventListener("click", () => dialog.close());
dialog.addEventListener("submit", () => {
  const name = dialogName.value.trim();
  if (name !== "") void takeName(name);
});

// A machine that wakes, or finds its network again, need not wait for the next attempt.
addEventListener("online", () => db.retry());
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && db.retry());

// --- begin

async function begin(): Promise<void> {
  await db.subscribe(users, messages).applied;
  users.onChange(show);
  messages.onChange(show);
  messages.onInsert(({ sender }) => sendWave(db.identity?.isEqual(sender) === true));
  const own = db.identity === undefined ? undefined : users.get(db.identity);
  // A server whose data was thrown away knows nobody; a name said before need not be asked for again.
  if (own?.name === undefined && who.name !== undefined && who.name !== "") await takeName(who.name);
  show();
}
begin().catch((error: unknown) => tell(reasonOf(error)));
