/** The errors that a module throws and may catch. The classes are the host's, which recognises them. */
import * as host from "#host";
import type { HostErrorClass, HostErrors, SenderErrorClass } from "./host-types.ts";

/**
 * Refuses a call: the transaction is rolled back and the caller gets the text.
 *
 * @example
 * if (text === "") throw new SenderError("A message needs a text");
 */
export const SenderError: SenderErrorClass = host.SenderError;
export type SenderError = Error;

/** The base of everything that the database itself throws at a module. */
export const SpacetimeHostError: HostErrorClass = host.SpacetimeHostError;

/** One class for each thing that the database may refuse, as `errors.UniqueAlreadyExists`. */
export const errors: HostErrors = host.errors;
