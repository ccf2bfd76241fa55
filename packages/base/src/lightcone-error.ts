/** The failure that a caller can act on. */
import { catalogued } from "./client-errors.ts";
import type { ErrorCode, ErrorDetail } from "./errors.ts";

/** A failure that the caller can act on. `code` and `detail` are API; the text is not. */
export class LightconeError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = "LightconeError";
  readonly code: C;
  readonly detail: ErrorDetail<C>;
  readonly hint: string;

  constructor(code: C, detail: ErrorDetail<C>, options?: ErrorOptions) {
    const entry = catalogued(code);
    super(entry === undefined ? code : entry.text(detail as never), options);
    this.code = code;
    this.detail = detail;
    this.hint = entry?.hintOf?.(detail as never) ?? entry?.hint ?? "";
  }

  /** The text for clients: without a path or a process of the server's machine. */
  get told(): string {
    const told = catalogued(this.code)?.told;
    return told === undefined ? this.message : told(this.detail as never);
  }
}

/** Whether `error` is a `LightconeError`, of that code if one is given. */
export function isLightconeError<C extends ErrorCode = ErrorCode>(
  error: unknown,
  code?: C,
): error is LightconeError<C> {
  return error instanceof LightconeError && (code === undefined || error.code === code);
}

/** Whether an error says that files are damaged, or of a newer release: to try again does not help. */
export function isDamage(error: unknown): boolean {
  return isLightconeError(error, "Corrupt") || isLightconeError(error, "NewerFormat");
}

/** What a client is told of any error: of one that is not of the catalogue no more than that there was one. */
export function toldText(error: unknown): string {
  return error instanceof LightconeError ? error.told : "the server failed; its log says why";
}
