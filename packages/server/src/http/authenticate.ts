/** Who makes a request. Bad credentials are refused, never taken for none. */
import type { Credentials, Tokens } from "../auth/tokens.ts";
import { TokenRefused } from "../auth/claims.ts";
import { fail } from "./responses.ts";

/**
 * The credentials of a request, if it has any: the `Authorization` header, else `?token=`.
 *
 * @throws {HttpFailure} 400 for a header that is not `Bearer …`, 401 for a token that is not believed
 */
export async function readCredentials(
  tokens: Tokens,
  authorization: string | undefined,
  query: URLSearchParams,
): Promise<Credentials | undefined> {
  let token: string | undefined;
  if (authorization === undefined) token = query.get("token") ?? undefined;
  else {
    token = /^Bearer +([^\s]+)\s*$/i.exec(authorization)?.[1];
    if (token === undefined) throw fail(400, "Authorization is invalid: malformed token");
  }
  if (token === undefined) return undefined;
  try {
    return await tokens.check(token);
  } catch (error) {
    if (error instanceof TokenRefused) throw fail(401, error.message);
    throw error;
  }
}
