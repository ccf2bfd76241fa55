/**
 * Writes docs/api/, a page for each path of the package, from the public names' own declarations and what is said above
 * them: `node scripts/write-api.ts`, which `npm run docs` does first. The pages are made, and not kept in the repository.
 * A public name that says nothing of itself is an error; `--check` looks for those alone.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import {
  SyntaxKind,
  type ClassDeclaration,
  type Node,
  type PropertyDeclaration,
  type VariableDeclaration,
} from "typescript/unstable/ast";
import { API, SymbolFlags, type Checker, type Symbol as Name } from "typescript/unstable/sync";

const root = fileURLToPath(new URL("../", import.meta.url));
/** The paths of the package: what each is for, and the page of docs/ that is its guide. */
const entries: Readonly<Record<string, readonly [about: string, guide?: string]>> = {
  module: ["What authors of modules in TypeScript import.", "modules"],
  client: ["A live, typed copy of a database's rows, for pages and Node.", "client"],
  react: ["Hooks for React.", "react"],
  live: ["Live queries that are shared by what shows them, for adapters of any framework."],
  testing: ["A module's tests, each on a database of its own.", "testing"],
};

const problems: string[] = [];
const api = new API({ cwd: root });
const [project] = api.updateSnapshot({ openProjects: [`${root}packages/lightcone/tsconfig.dist.json`] }).getProjects();
if (project === undefined) throw new Error("packages/lightcone/tsconfig.dist.json does not open");
const checker: Checker = project.checker;
const pages = Object.entries(entries).map(([entry, about]) => [entry, pageOf(entry, ...about)] as const);
api.close();

if (problems.length > 0) {
  process.stderr.write(`${problems.length} public names say nothing of themselves:\n  ${problems.join("\n  ")}\n`);
  process.exit(1);
}
if (!process.argv.includes("--check")) {
  const folder = `${root}docs/api`;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [entry, text] of pages) writeFileSync(`${folder}/${entry}.md`, text);
}
process.stdout.write(`api: ${pages.length} pages\n`);

/** A public name, and the one that it is another name of. */
interface Export {
  readonly name: string;
  readonly target: Name;
}

function pageOf(entry: string, about: string, guide?: string): string {
  const file = project?.program.getSourceFile(`${root}packages/lightcone/src/${entry}.ts`);
  const module = file === undefined ? undefined : checker.getSymbolAtLocation(file);
  if (module === undefined) throw new Error(`packages/lightcone/src/${entry}.ts is not in the program`);
  const exports: Export[] = checker.getExportsOfModule(module).map((each) => ({
    name: each.name,
    target: (each.flags & SymbolFlags.Alias) === 0 ? each : checker.getAliasedSymbol(each),
  }));
  if (exports.length === 0) throw new Error(`packages/lightcone/src/${entry}.ts exports nothing`);
  const byName = exports.toSorted((a, b) => (a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1));
  const isValue = ({ target }: Export): boolean => (target.flags & SymbolFlags.Value) !== 0;
  const part = (title: string, those: readonly Export[]): string[] =>
    those.length === 0 ? [] : [`## ${title}`, ...those.map((each) => textOf(entry, each, exports))];
  return [
    `# \`lightcone/${entry}\``,
    about,
    ...(guide === undefined ? [] : [`The guide to it: [${guide}](../${guide}.md).`]),
    ...part("Functions and values", byName.filter(isValue)),
    ...part(
      "Types",
      byName.filter((each) => !isValue(each)),
    ),
    "",
  ].join("\n\n");
}

function textOf(entry: string, { name, target }: Export, exports: readonly Export[]): string {
  const heading = `### \`${name}\``;
  const first = exports.find((each) => each.target === target && each.name !== name && each.name === target.name);
  if (first !== undefined) return `${heading}\n\nThe same as [\`${first.name}\`](#${first.name.toLowerCase()}).`;
  const behind = classBehind(target);
  const names = [target, ...behind];
  const said = names.map((each) => checker.getDocumentationCommentOfSymbol(each)).find((text) => text !== "");
  const nodes = (behind.length > 0 ? behind : [target]).flatMap((each) =>
    each.declarations.map((handle) => handle.resolve(project)),
  );
  const declarations = nodes.filter((node) => node !== undefined).map(declarationOf);
  if (said === undefined)
    problems.push(`${name} of lightcone/${entry}, ${basename(target.declarations[0]?.path ?? "nowhere")}`);
  const tags = names
    .flatMap((each) => checker.getJsDocTagsOfSymbol(each))
    .map(({ name: tag, text }) => ({ tag, text: text ?? "" }));
  const lines = tags.filter(({ tag }) => tag !== "example").map(({ tag, text }) => tagLine(tag, text));
  const examples = tags.filter(({ tag }) => tag === "example").map(({ text }) => `For example:\n\n${block(text)}`);
  return [
    heading,
    prose(said ?? ""),
    ...(lines.length === 0 ? [] : [lines.join("\n")]),
    block(declarations.join("\n\n")),
    ...examples,
  ].join("\n\n");
}

/** Of a value that is a class of another package: that class. */
function classBehind(name: Name): readonly Name[] {
  if ((name.flags & SymbolFlags.Variable) === 0) return [];
  const found = checker.getTypeOfSymbol(name)?.getSymbol();
  return found !== undefined && (found.flags & SymbolFlags.Class) !== 0 ? [found] : [];
}

function declarationOf(node: Node): string {
  switch (node.kind) {
    case SyntaxKind.FunctionDeclaration:
      return withoutBody(node);
    case SyntaxKind.ClassDeclaration:
      return classText(node as ClassDeclaration);
    case SyntaxKind.VariableDeclaration: {
      const { name, type } = node as VariableDeclaration;
      const own = checker.getTypeAtLocation(name);
      const text = type?.getText() ?? (own === undefined ? "unknown" : checker.typeToString(own));
      return `const ${name.getText()}: ${text};`;
    }
    default:
      return withoutExport(node.getText());
  }
}

function withoutExport(text: string): string {
  return text.replace(/^export (?:declare |default )?/, "");
}

/** A function's or a method's text up to its body. */
function withoutBody(node: Node): string {
  const { body } = node as Node & { readonly body?: Node };
  const text = body === undefined ? node.getText() : node.getSourceFile().text.slice(node.getStart(), body.getStart());
  return `${withoutExport(text.trimEnd()).replace(/;$/, "")};`;
}

function classText(node: ClassDeclaration): string {
  const text = node.getSourceFile().text;
  const head = withoutExport(text.slice(node.getStart(), node.members.pos));
  const members = node.members
    .filter((member) => !isHidden(text, member))
    .map((member) => {
      const comment = text.slice(member.getStart(undefined, true), member.getStart());
      const { initializer, name, type } = member as PropertyDeclaration;
      if (initializer === undefined) return `  ${comment}${withoutBody(member)}`;
      const own = type === undefined ? checker.getTypeAtLocation(name) : undefined;
      const start = text.slice(member.getStart(), (type ?? name).getEnd());
      return `  ${comment}${start}${own === undefined ? "" : `: ${checker.typeToString(own)}`};`;
    });
  return `${head}\n${members.join("\n")}\n}`;
}

function isHidden(text: string, member: Node): boolean {
  const isPrivate =
    /^(?:(?:declare|static|readonly|private|protected) )*(?:#|static \{|\[inspected\])|^(?:declare )?(?:private|protected) /;
  return (
    isPrivate.test(member.getText()) ||
    text.slice(member.getStart(undefined, true), member.getStart()).includes("@internal")
  );
}

function tagLine(tag: string, text: string): string {
  const words: Readonly<Record<string, string>> = { throws: "Throws", returns: "Gives", param: "" };
  const [, name = "", rest = text] = tag === "param" ? (/^(\S+)\s+-?\s*([^]*)$/.exec(text) ?? []) : [];
  const head = name === "" ? (words[tag] ?? tag) : `\`${name}\`:`;
  return `- ${head} ${prose(rest.replaceAll(/\{(\w+)\}/g, "`$1`")).replaceAll("\n", " ")}`;
}

/** What stands above a declaration, as Markdown: outside of code, angles and braces are themselves. */
function prose(text: string): string {
  return text
    .replaceAll(/\{@link ([^}]+)\}/g, "`$1`")
    .split(/(`[^`]*`)/)
    .map((piece, at) => (at % 2 === 1 ? piece : piece.replaceAll("<", "&lt;").replaceAll("{{", "&#123;&#123;")))
    .join("");
}

function block(text: string): string {
  return `\`\`\`ts\n${text.trim()}\n\`\`\``;
}
