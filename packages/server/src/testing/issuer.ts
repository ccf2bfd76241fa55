/**
 * An OpenID issuer as a process of its own: discovery, a key set, and tokens for whoever asks. Prints its address.
 *
 *   POST /token     {"claims":{…},"algorithm":"ES256","keyId":…}, both of which may be left out; answers the token
 *   POST /rotate    new keys in place of the old ones
 *   POST /mode      how documents are answered: `well`, `never`, `huge`, `moved`; answers how many were asked for so far
 */
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { SignJWT, exportJWK, generateKeyPair } from "jose";
import type { CryptoKey, JWK } from "jose";

interface IssuerKeys {
  readonly private: Readonly<Record<string, CryptoKey>>;
  readonly public: readonly JWK[];
}

interface Wish {
  readonly claims: Readonly<Record<string, unknown>>;
  readonly algorithm?: "ES256" | "RS256";
  readonly keyId?: string;
}

let generation = 0;
let keys = await makeKeys();
let mode = "well";
let asked = 0;

async function makeKeys(): Promise<IssuerKeys> {
  generation += 1;
  const [es, rs] = await Promise.all([generateKeyPair("ES256"), generateKeyPair("RS256")]);
  const jwk = async (key: CryptoKey, kid: string): Promise<JWK> => ({ ...(await exportJWK(key)), kid, use: "sig" });
  return {
    private: { ES256: es.privateKey, RS256: rs.privateKey },
    public: [await jwk(es.publicKey, `ES256-${generation}`), await jwk(rs.publicKey, `RS256-${generation}`)],
  };
}

const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
});
// A server of TCP has an address that is no path.
const portOf = (): number => (server.address() as AddressInfo).port;
const origin = (): string => `http://127.0.0.1:${portOf()}`;
server.listen(0, "127.0.0.1", () => process.stdout.write(`${origin()}\n`));

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let body = "";
  for await (const chunk of request) body += String(chunk);
  switch (request.url) {
    case "/.well-known/openid-configuration":
      return document(response, { issuer: origin(), jwks_uri: `${origin()}/keys` });
    case "/keys":
      return document(response, { keys: keys.public });
    case "/token":
      response.end(await makeToken(JSON.parse(body) as Wish));
      return;
    case "/rotate":
      keys = await makeKeys();
      response.end();
      return;
    case "/mode":
      mode = body;
      response.end(String(asked));
      return;
    default:
      response.writeHead(404).end();
  }
}

function document(response: ServerResponse, value: object): void {
  asked += 1;
  if (mode === "never") return;
  if (mode === "moved") response.writeHead(302, { location: `${origin()}/elsewhere` }).end();
  else if (mode === "huge") flood(response);
  else response.setHeader("content-type", "application/json").end(JSON.stringify(value));
}

/** Writes without end, for as long as somebody reads. */
function flood(response: ServerResponse): void {
  const more = (): void => {
    while (!response.destroyed && response.write(" ".repeat(65_536)));
  };
  response.on("drain", more);
  more();
}

function makeToken({ claims, algorithm = "ES256", keyId = `${algorithm}-${generation}` }: Wish): Promise<string> {
  const key = keys.private[algorithm];
  if (key === undefined) throw new Error(`no key for ${algorithm}`);
  return new SignJWT({ iss: origin(), ...claims }).setProtectedHeader({ alg: algorithm, kid: keyId }).sign(key);
}
