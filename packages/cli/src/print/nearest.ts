/** What is said of a name that nothing has: the name that was meant, or else those that there are. */

/** Names that are listed at most. */
const listedMax = 10;

/** Names of one kind: tables, reducers. */
export interface Names {
  readonly kind: string;
  readonly names: readonly string[];
}

/** One name that is like `wanted`, or the first names of each kind. */
export function whatExists(wanted: string, lists: readonly Names[]): string {
  const similar = lists
    .flatMap(({ kind, names }) => names.map((name) => ({ kind, name, far: distance(name, wanted) })))
    .filter(({ far }) => far <= Math.min(3, wanted.length / 2))
    .reduce<{ kind: string; name: string; far: number } | undefined>(
      (best, each) => (best === undefined || each.far < best.far ? each : best),
      undefined,
    );
  if (similar !== undefined) return `A ${similar.kind} with a similar name exists: ${similar.name}`;
  const texts = lists.flatMap(({ kind, names }) => {
    if (names.length === 0) return [];
    const rest = names.length > listedMax ? [`    ... (${names.length - listedMax} ${kind}s not shown)`] : [];
    return [`Here are some existing ${kind}s:`, ...names.slice(0, listedMax).map((name) => `    ${name}`), ...rest];
  });
  return texts.length === 0 ? `There are no ${lists.map(({ kind }) => `${kind}s`).join(" or ")}.` : texts.join("\n");
}

/** How many letters must be put in, taken out or changed; letters of either case are the same. */
function distance(a: string, b: string): number {
  const [from, to] = [a.toLowerCase(), b.toLowerCase()];
  let row = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (let i = 1; i <= from.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
