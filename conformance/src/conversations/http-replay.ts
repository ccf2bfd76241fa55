/** Sends the requests of the recorded HTTP conversation, and says what came differently. */
import { anyNumber, exactNumbers, matches, type Names, type Told } from "./compare.ts";
import type { Step } from "./recording.ts";

/** Lists whose order was not stable: of a served schema, and of rows. */
const unordered = new Set([
  ...["types", "tables", "constraints", "indexes", "sequences", "reducers", "misc_exports", "rows"],
  ...["sections", "Types", "Tables", "Reducers", "Procedures", "Views", "Schedules", "LifeCycleReducers"],
  ...["entries"],
]);
/** After these words an error is told in the server's own. */
const ownWordsAfter = /^(?:invalid arguments for (?:reducer|procedure) \w+: )/;

export class HttpReplay {
  readonly names: Names;
  private readonly base: string;
  private readonly program: (name: string) => Promise<Uint8Array<ArrayBuffer> | undefined>;

  /** @param program gives the program that the recording calls so; undefined for one that is not built */
  constructor(base: string, names: Names, program: (name: string) => Promise<Uint8Array<ArrayBuffer> | undefined>) {
    this.base = base;
    this.names = names;
    this.program = program;
  }

  /** Sends a request as somebody of the recording, and looks at nothing. */
  async ask(request: string, as: string): Promise<void> {
    const [method = "", path = ""] = request.split(" ");
    const authorization = `Bearer ${this.names.get(`token.${as}`) ?? ""}`;
    await (await fetch(`${this.base}${path}`, { method, headers: { authorization } })).text();
  }

  /** Sends a recorded request; says what came differently. */
  async play(step: Step): Promise<{ readonly status: number; readonly problems: readonly string[] }> {
    const body = await this.bodyOf(step);
    if (body === undefined) throw new Error(`${step.request_body ?? ""} is not built`);
    const [method = "", path = ""] = this.fill(step.request ?? "").split(" ");
    const headers = Object.entries(step.request_headers ?? {}).map(([name, value]): [string, string] => [
      name,
      this.fill(value),
    ]);
    const response = await fetch(`${this.base}${path}`, { method, headers, ...(body === "" ? {} : { body }) });
    const text = await response.text();
    const problems: string[] = [];
    if (response.status !== step.status) problems.push(`status ${response.status} (${text}), not ${step.status}`);
    for (const [name, value] of Object.entries(step.headers ?? {})) {
      const actual = response.headers.get(name) ?? "(none)";
      if (!this.learns(value, actual)) problems.push(`header ${name} is ${actual}, not ${this.fill(value)}`);
    }
    const said = step.body ?? "";
    const known = ownWordsAfter.exec(said)?.[0];
    const isSame =
      (known !== undefined && text.startsWith(known)) ||
      this.learns(said, text) ||
      (step.headers?.["content-type"] === "application/json" && this.isSameJson(said, text));
    if (!isSame) problems.push(`body ${text}\n  not ${this.fill(said)}`);
    return { status: response.status, problems };
  }

  private async bodyOf({ request_body: body = "" }: Step): Promise<Uint8Array<ArrayBuffer> | string | undefined> {
    const program = /^<program (\w+)>$/.exec(body)?.[1];
    if (program !== undefined) return this.program(program);
    return body === "<byte ff>" ? Uint8Array.of(0xff) : body;
  }

  private fill(text: string): string {
    return text.replaceAll(/\{\{([^}]+)\}\}/g, (whole, name: string) => this.names.get(name) ?? whole);
  }

  /** Whether `actual` reads as `text`; if so, notes the values of the names that had none. */
  private learns(text: string, actual: string): boolean {
    const found: string[] = [];
    const pattern = text
      .split(/\{\{([^}]+)\}\}/)
      .map((piece, index) => {
        if (index % 2 === 0) return escaped(piece);
        const known = this.names.get(piece);
        if (known !== undefined) return escaped(known);
        found.push(piece);
        return /^(?:micros|duration|energy)$/.test(piece) ? "([0-9]+)" : "([^]*?)";
      })
      .join("");
    const match = new RegExp(`^${pattern}$`).exec(actual);
    if (match === null) return false;
    found.forEach((name, index) => {
      if (name.includes(".") || name === "program_hash") this.names.set(name, match[index + 1] ?? "");
    });
    return true;
  }

  private isSameJson(text: string, actual: string): boolean {
    try {
      const wanted = this.fill(text).replaceAll(/\{\{(?:micros|duration|energy)\}\}/g, anyNumber);
      return matches(JSON.parse(exactNumbers(wanted)), JSON.parse(exactNumbers(actual)) as Told, unordered);
    } catch {
      return false;
    }
  }
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
