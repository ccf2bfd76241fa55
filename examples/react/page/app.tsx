import { useState } from "react";
import { useConnection, useQuery, useReducer } from "./lightcone.ts";

export function App() {
  const { state, identity } = useConnection();
  const { rows, ready, error } = useQuery((tables) => tables.note);
  const [removeNote, removing] = useReducer((reducers) => reducers.removeNote);
  const problem = error ?? removing.error;
  return (
    <main>
      <header>
        <h1>Notes</h1>
        <p role="status">{state === "open" ? "live" : state === "waiting" ? "offline" : state}</p>
      </header>
      <Write />
      {problem !== undefined && <p role="alert">{problem.message}</p>}
      {ready && rows.length === 0 && <p>Nobody has written anything yet.</p>}
      <ul>
        {rows
          .toSorted((a, b) => Number(b.id - a.id))
          .map(({ id, by, at, text }) => (
            <li key={String(id)}>
              <p>{text}</p>
              <time>{at.toDate().toLocaleString()}</time>
              {identity?.isEqual(by) === true && (
                <button aria-label={`Remove ${text}`} onClick={() => void removeNote({ id }).catch(() => undefined)}>
                  ×
                </button>
              )}
            </li>
          ))}
      </ul>
    </main>
  );
}

function Write() {
  const [addNote, { pending, error }] = useReducer((reducers) => reducers.addNote);
  const [text, setText] = useState("");
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        // What fails is in `error`; what is written stays in the field.
        addNote({ text }).then(
          () => setText(""),
          () => undefined,
        );
      }}
    >
      <input
        aria-label="A note"
        placeholder="Write something"
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      <button disabled={pending}>{pending ? "…" : "Add"}</button>
      {error !== undefined && <p role="alert">{error.message}</p>}
    </form>
  );
}
