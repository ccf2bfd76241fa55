/** `ctx.senderAuth`: what the token says that opened the caller's connection. Read when it is asked for. */
import type { Identity } from "@lightcone/sats";
import type { Sandbox } from "./sandbox.ts";

/** Compiled in the module's realm: what the claims hold is the module's to keep. */
const source = `
  const textOf = (value) => typeof value === "string" ? value : "";
  const audienceOf = (value) => Array.isArray(value) ? value.filter((one) => typeof one === "string") : typeof value === "string" ? [value] : [];
  return (isInternal, payload, identity) => {
    if (payload === undefined) return Object.freeze({ isInternal, hasJWT: false, jwt: null });
    const fullPayload = JSON.parse(payload);
    const { sub, iss, aud } = fullPayload;
    const jwt = { rawPayload: payload, fullPayload, subject: textOf(sub), issuer: textOf(iss), audience: audienceOf(aud), identity };
    return Object.freeze({ isInternal, hasJWT: true, jwt: Object.freeze(jwt) });
  };
`;

const decoder = new TextDecoder();

/** @returns makes the object, of the token's claims as they came (JSON, which was checked when it did), or of none */
export function makeAuth(
  sandbox: Sandbox,
): (isInternal: boolean, claims: Uint8Array | undefined, sender: Identity) => unknown {
  const make = sandbox.compile([], source, "ctx.senderAuth")() as (
    isInternal: boolean,
    payload: string | undefined,
    sender: Identity,
  ) => unknown; // the source is ours and gives that
  return (isInternal, claims, sender) =>
    make(isInternal, claims === undefined || claims.length === 0 ? undefined : decoder.decode(claims), sender);
}
