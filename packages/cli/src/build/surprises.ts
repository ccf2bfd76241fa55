/**
 * Finds what will surprise in a module that builds: what it keeps outside of its tables, a variable of a file that its
 * functions change, which is not undone when a call fails, happens again when a call is run again, and is lost when the
 * process is replaced; and clocks and chance of its own, which are refused once they are called.
 *
 * It looks at one file and at names: what goes by another name, or through a function of elsewhere, it does not see.
 */
import { parseAst } from "rolldown/parseAst";

interface Node {
  readonly type: string;
  readonly start: number;
  readonly [key: string]: unknown;
}

const collections = new Set(["Array", "Map", "Object", "Set", "WeakMap", "WeakSet"]);
const changing = new Set("add clear copyWithin delete fill pop push reverse set shift sort splice unshift".split(" "));

const refused: Readonly<Record<string, string>> = {
  "Date.now": "use ctx.timestamp",
  "Math.random": "use ctx.random()",
  "performance.now": "use ctx.timestamp",
};

/** @returns a text for each of them, with its line; none where the file does not parse, which the bundler says */
export function findSurprises(text: string, file: string): readonly string[] {
  let program: Node;
  try {
    program = parseAst(text, { lang: file.endsWith("x") ? "tsx" : "ts" }) as unknown as Node; // seen as any tree of nodes
  } catch {
    return [];
  }
  const names = topNames(program);
  const found = new Map<string, number>();
  const see = (
    name: string | undefined,
    wanted: "variable" | "collection",
    at: Node,
    hidden: ReadonlySet<string>,
  ): void => {
    if (name === undefined || hidden.has(name) || found.has(name)) return;
    const kind = names.get(name);
    if (kind === "variable" || kind === wanted) found.set(name, at.start);
  };
  const visit = (node: Node, hidden: ReadonlySet<string> | undefined): void => {
    const inside = isFunction(node) ? new Set([...(hidden ?? []), ...ownNames(node)]) : hidden;
    if (inside !== undefined) {
      const { type } = node;
      if (type === "AssignmentExpression") seeTarget(node["left"] as Node, node, inside);
      if (type === "UpdateExpression") seeTarget(node["argument"] as Node, node, inside);
      if (type === "UnaryExpression" && node["operator"] === "delete")
        seeTarget(node["argument"] as Node, node, inside);
      if (type === "CallExpression") {
        const callee = node["callee"] as Node;
        const method = callee.type === "MemberExpression" ? nameOf(callee["property"] as Node) : undefined;
        const whole = method === undefined ? "" : `${nameOf(callee["object"] as Node)}.${method}`;
        if (Object.hasOwn(refused, whole) && !inside.has(whole.split(".")[0] ?? "")) found.set(whole, node.start);
        if (method !== undefined && changing.has(method))
          see(nameOf(callee["object"] as Node), "collection", node, inside);
      }
    }
    for (const child of childrenOf(node)) visit(child, inside);
  };
  const seeTarget = (target: Node, at: Node, hidden: ReadonlySet<string>): void => {
    if (target.type === "Identifier") see(nameOf(target), "variable", at, hidden);
    if (target.type === "MemberExpression") see(nameOf(target["object"] as Node), "collection", at, hidden);
  };
  visit(program, undefined);
  return [...found].map(([name, start]) => {
    const line = text.slice(0, start).split("\n").length;
    const instead = refused[name];
    if (instead !== undefined) return `${file}:${line}: \`${name}\` is refused when it is called: ${instead}.`;
    return `${file}:${line}: \`${name}\` stands outside of the function that changes it: that is not undone when a call fails, and is lost with the process. What is to stay is a row of a table.`;
  });
}

/** What a file declares by itself and can be changed: variables, and collections that are constants. */
function topNames(program: Node): ReadonlyMap<string, "variable" | "collection"> {
  const names = new Map<string, "variable" | "collection">();
  for (const statement of program["body"] as readonly Node[]) {
    const declared =
      statement.type === "ExportNamedDeclaration" ? (statement["declaration"] as Node | null) : statement;
    if (declared?.type !== "VariableDeclaration") continue;
    for (const each of declared["declarations"] as readonly Node[]) {
      const name = nameOf(each["id"] as Node);
      if (name === undefined) continue;
      if (declared["kind"] !== "const") names.set(name, "variable");
      else if (isCollection(each["init"] as Node | null)) names.set(name, "collection");
    }
  }
  return names;
}

function isCollection(value: Node | null): boolean {
  if (value?.type === "ArrayExpression" || value?.type === "ObjectExpression") return true;
  return value?.type === "NewExpression" && collections.has(nameOf(value["callee"] as Node) ?? "");
}

/** The names that a function declares anywhere in it, which hide those of the file. */
function ownNames(owner: Node): ReadonlySet<string> {
  const names = new Set<string>();
  const collect = (node: Node): void => {
    if (node.type === "VariableDeclarator") patternNames(node["id"] as Node, names);
    if (isFunction(node)) for (const each of node["params"] as readonly Node[]) patternNames(each, names);
    for (const child of childrenOf(node)) collect(child);
  };
  collect(owner);
  return names;
}

function patternNames(pattern: Node, names: Set<string>): void {
  const name = nameOf(pattern);
  if (name !== undefined) names.add(name);
  else for (const child of childrenOf(pattern)) patternNames(child, names);
}

const isFunction = ({ type }: Node): boolean =>
  type === "ArrowFunctionExpression" || type === "FunctionExpression" || type === "FunctionDeclaration";
const nameOf = (node: Node | null): string | undefined =>
  node?.type === "Identifier" ? String(node["name"]) : undefined;

function childrenOf(node: Node): readonly Node[] {
  return Object.values(node)
    .flatMap((value) => (Array.isArray(value) ? value : [value]))
    .filter(isNode);
}

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
