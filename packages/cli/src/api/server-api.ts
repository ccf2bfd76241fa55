/** A server's HTTP interface, as the commands use it. */
import { CliFailure } from "../failure.ts";
import { version } from "../version.ts";

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: Headers;
}

export interface Ask {
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: string | Uint8Array;
  readonly contentType?: string;
}

export type Method = "GET" | "POST" | "PUT" | "DELETE";

export class ServerApi {
  readonly url: string;
  readonly token: string | undefined;

  constructor(url: string, token?: string) {
    this.url = url;
    this.token = token;
  }

  /** Asks, whatever the answer's status. @throws {CliFailure} when there is no answer */
  async ask(method: Method, path: string, ask: Ask = {}): Promise<Answer> {
    const url = new URL(`${this.url}${path}`);
    for (const [name, value] of Object.entries(ask.query ?? {}))
      if (value !== undefined) url.searchParams.set(name, value);
    let response: Response;
    try {
      response = await fetch(url, {
        method,
        headers: this.headers(ask.contentType),
        // The bytes are a whole array of this process, which is what a body takes.
        ...(ask.body === undefined ? {} : { body: ask.body as string | Uint8Array<ArrayBuffer> }),
      });
      return { status: response.status, body: await response.text(), headers: response.headers };
    } catch (error) {
      throw unreachable(this.url, error);
    }
  }

  /** Asks for something that must succeed. @throws {CliFailure} saying `what` failed, with the answer */
  async need(what: string, method: Method, path: string, ask: Ask = {}): Promise<Answer> {
    const answer = await this.ask(method, path, ask);
    if (answer.status >= 400) throw refused(what, answer);
    return answer;
  }

  /** A database's path, with the name or identity as one segment. @throws {CliFailure} when there is no name */
  static database(name: string, rest = ""): string {
    if (name === "") throw new CliFailure("the name of the database is empty", { hint: nameRule, exitCode: 2 });
    return `/v1/database/${encodeURIComponent(name)}${rest}`;
  }

  headers(contentType?: string): Record<string, string> {
    return {
      "user-agent": `lightcone-cli/${version}`,
      ...(this.token === undefined ? {} : { authorization: `Bearer ${this.token}` }),
      ...(contentType === undefined ? {} : { "content-type": contentType }),
    };
  }
}

/** The failure of a request that was answered with a refusal. @param more what else helps to understand it */
export function refused(what: string, answer: Answer, more: readonly string[] = []): CliFailure {
  const hint = answer.headers.get("lightcone-hint") ?? hintOf(answer);
  return new CliFailure(what, {
    causes: [...(answer.body === "" ? [] : [answer.body]), ...more, `HTTP status ${answer.status}`],
    ...(hint === undefined ? {} : { hint }),
  });
}

const nameRule =
  "A database's name has lower-case letters and digits, with single hyphens or underscores between them: my_chat, shop-2. It has at most 64 characters.";

/** What helps where the answer does not say it. */
function hintOf({ status, body }: Answer): string | undefined {
  if (status === 400 && /database names? /.test(`${body} `)) return nameRule;
  if (status === 401) return "The server does not believe the saved token: lightcone logout, then lightcone login";
  if (status !== 403) return undefined;
  // A locked database says itself what unlocks it.
  return body.includes("locked")
    ? undefined
    : "It belongs to somebody else: `lightcone login show` says who you are, `lightcone list` what is yours. On the server's machine `lightcone owner` names another owner.";
}

/** The failure of a request that nobody answered. */
export function unreachable(url: string, error: unknown): CliFailure {
  let reason = error;
  while (reason instanceof Error && reason.cause instanceof Error) reason = reason.cause;
  const code = (reason as NodeJS.ErrnoException).code;
  return new CliFailure(`Server could not be reached: ${url}`, {
    causes: [
      code === "ECONNREFUSED" ? "nothing listens there" : reason instanceof Error ? reason.message : String(reason),
    ],
    hint: "Start one with `lightcone start`, or name another with --server.",
    cause: error,
  });
}
