/** A page of parts that a test shows and hides. What React did with them is counted. */
import { Component, memo, Suspense, useState, useTransition, type ReactElement, type ReactNode } from "react";
import type { RowOf } from "lightcone/client";
import { createHooks } from "lightcone/react";
import type * as board from "../module.ts";

type CardRow = RowOf<typeof board, "card">;

/** How long a query that nobody shows is kept. */
const keepMs = Number(new URLSearchParams(globalThis.location?.search ?? "").get("keepMs") ?? 5000);
export const {
  LightconeProvider,
  useClient,
  useConnection,
  useProcedure,
  useQuery,
  useReducer,
  useRow,
  useSuspenseQuery,
} = createHooks<typeof board>({ keepMs });

/** What a test looks at besides the page. */
export const seen = {
  /** How often a card was rendered, by its text. */
  renders: {} as Record<string, number>,
  /** What was on the screen of a state that the database never had. */
  torn: [] as string[],
  /** What `useConnection` gave to a part that is rendered again and again. */
  connections: [] as object[],
};

const byId = (a: CardRow, b: CardRow): number => Number(a.id - b.id);

const Card = memo(function Card({ row }: { readonly row: CardRow }): ReactElement {
  seen.renders[row.text] = (seen.renders[row.text] ?? 0) + 1;
  return <li>{row.text}</li>;
});

function Cards({ name }: { readonly name: string }): ReactElement {
  const { rows, ready, error } = useQuery((tables) => tables.card);
  return (
    <section aria-label={name} data-ready={ready}>
      {error !== undefined && <p role="alert">{error.message}</p>}
      <ul>
        {rows.toSorted(byId).map((row) => (
          <Card key={String(row.id)} row={row} />
        ))}
      </ul>
    </section>
  );
}

function Tally(): ReactElement {
  const cards = useQuery((tables) => tables.card);
  const tallies = useQuery((tables) => tables.tally);
  const counted = tallies.rows.reduce((sum, { count }) => sum + count, 0);
  if (cards.ready && tallies.ready && counted !== cards.rows.length)
    seen.torn.push(`${cards.rows.length} cards, counted ${counted}`);
  return <output>{tallies.ready ? `${counted} counted` : "counting"}</output>;
}

/** The number of cards twice, by two components that React may render at different times. */
function Twice(): ReactElement {
  const first = useQuery((tables) => tables.card).rows;
  const second = useQuery((tables) => tables.card).rows;
  if (first !== second) seen.torn.push("two arrays of one query");
  return <p>{`${first.length} and ${second.length}`}</p>;
}

/** How many cards one board has, rendered when that number is another. */
function Board({ name }: { readonly name: string | undefined }): ReactElement {
  const { row, ready, error } = useRow((tables) => name !== undefined && tables.tally.where({ board: name }));
  const key = `board ${name ?? "none"}`;
  seen.renders[key] = (seen.renders[key] ?? 0) + 1;
  return (
    <p aria-label={key}>{`${row?.count ?? "no"} cards ${ready ? "ready" : "not ready"} ${error?.code ?? "fine"}`}</p>
  );
}

/** The first cards of a board that one chooses. */
function First(): ReactElement {
  const [board, setBoard] = useState("first");
  const { rows, ready } = useQuery((tables) => tables.card.where({ board }).orderBy("text").limit(2));
  const key = `first of ${board}`;
  seen.renders[key] = (seen.renders[key] ?? 0) + 1;
  return (
    <section aria-label="first" data-ready={ready}>
      <button type="button" onClick={() => setBoard(board === "first" ? "second" : "first")}>{`not ${board}`}</button>
      <ol>
        {rows.map((row) => (
          <Card key={String(row.id)} row={row} />
        ))}
      </ol>
    </section>
  );
}

function Add(): ReactElement {
  const [addCard, { pending, error }] = useReducer((reducers) => reducers.addCard);
  const [text, setText] = useState("");
  return (
    <form
      aria-label="add"
      onSubmit={(event) => {
        event.preventDefault();
        void addCard({ board: "all", text });
      }}
    >
      <input aria-label="text" value={text} onChange={(event) => setText(event.target.value)} />
      <button type="submit">Add</button>
      <p>{pending ? "saving" : "saved"}</p>
      {error !== undefined && <p role="alert">{error.message}</p>}
    </form>
  );
}

/** Never reads `error`: so it hears of a failure where any promise would tell it. */
function Careless(): ReactElement {
  const [addCard] = useReducer((reducers) => reducers.addCard);
  return (
    <button type="button" onClick={() => void addCard({ board: "all", text: "" })}>
      Add nothing
    </button>
  );
}

function Length(): ReactElement {
  const [length, { pending }] = useProcedure((procedures) => procedures.length);
  const [answer, setAnswer] = useState(0);
  return (
    <button type="button" onClick={() => void length({ text: "four" }).then(setAnswer)}>
      {pending ? "asking" : `length ${answer}`}
    </button>
  );
}

function Status(): ReactElement {
  const { state, error, identity } = useConnection();
  return <p role="status">{`${state} ${identity === undefined ? "nobody" : "somebody"} ${error?.code ?? "fine"}`}</p>;
}

function Again(): ReactElement {
  const [count, setCount] = useState(0);
  seen.connections.push(useConnection());
  return (
    <button type="button" onClick={() => setCount(count + 1)}>
      again {count}
    </button>
  );
}

function Notes(): ReactElement {
  const { rows, ready, error } = useQuery((tables) => tables.note);
  return <p aria-label="notes">{`${rows.length} ${ready ? "ready" : "not ready"} ${error?.code ?? "fine"}`}</p>;
}

function Waiting(): ReactElement {
  const rows = useSuspenseQuery((tables) => tables.note);
  return <p aria-label="waiting">{`notes: ${rows.map(({ text }) => text).join(", ")}`}</p>;
}

function Skipped(): ReactElement {
  const { rows, ready } = useQuery((tables) => ready2 && tables.card);
  return <p aria-label="skipped">{`${rows.length} ${ready}`}</p>;
}
const ready2 = false as boolean;

/** A board after another, of which the one before stays until the next is there. */
function Turning(): ReactElement {
  const [board, setBoard] = useState("turn 1");
  const [isTurning, startTurn] = useTransition();
  return (
    <Suspense fallback={<p>turning for the first time</p>}>
      <button type="button" onClick={() => startTurn(() => setBoard("turn 2"))}>
        {isTurning ? "turning" : "turn"}
      </button>
      <Turned board={board} />
    </Suspense>
  );
}
function Turned({ board }: { readonly board: string }): ReactElement {
  const rows = useSuspenseQuery((tables) => tables.card.where({ board }).orderBy("text"));
  return <p aria-label="turned">{rows.map(({ text }) => text).join(" ")}</p>;
}

class Boundary extends Component<{ readonly children: ReactNode }, { readonly error: Error | undefined }> {
  override state: { readonly error: Error | undefined } = { error: undefined };
  static getDerivedStateFromError(error: Error): { readonly error: Error } {
    return { error };
  }
  override render(): ReactNode {
    const { error } = this.state;
    return error === undefined ? this.props.children : <p role="alert">{error.message}</p>;
  }
}

const parts: Readonly<Record<string, () => ReactElement>> = {
  one: () => <Cards name="one" />,
  two: () => <Cards name="two" />,
  tally: () => <Tally />,
  twice: () => <Twice />,
  add: () => <Add />,
  first: () => <First />,
  boards: () => (
    <>
      {["all", "other", "nowhere", undefined].map((name) => (
        <Board key={name ?? ""} name={name} />
      ))}
    </>
  ),
  careless: () => <Careless />,
  length: () => <Length />,
  status: () => <Status />,
  notes: () => <Notes />,
  again: () => <Again />,
  skipped: () => <Skipped />,
  turning: () => <Turning />,
  waiting: () => (
    <Boundary>
      <Suspense fallback={<p>loading</p>}>
        <Waiting />
      </Suspense>
    </Boundary>
  ),
};

/** @param shown the parts that are there at first */
export function App({ shown }: { readonly shown: readonly string[] }): ReactElement {
  const [names, setNames] = useState(shown);
  return (
    <>
      {Object.keys(parts).map((name) => (
        <label key={name}>
          <input
            type="checkbox"
            checked={names.includes(name)}
            onChange={() => setNames(names.includes(name) ? names.filter((one) => one !== name) : [...names, name])}
          />
          {`show ${name}`}
        </label>
      ))}
      {names.map((name) => (
        <div key={name} id={name}>
          {parts[name]?.()}
        </div>
      ))}
    </>
  );
}
