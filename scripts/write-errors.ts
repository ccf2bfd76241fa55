/** Writes `docs/errors.md` from the catalogue. `npm run ok` fails when the page is not what this writes. */
import { readFileSync, writeFileSync } from "node:fs";
import { errorCodes, errorFacts } from "@lightcone/base";

const path = "docs/errors.md";
const rows = errorCodes.map((code) => {
  const { http, close, hint } = errorFacts(code);
  return `| \`${code}\` | ${http} | ${close ?? ""} | ${hint} |`;
});
const page = `# Errors

Every error that a caller can act on has a code. Codes and details are API; texts may change. Over HTTP the code stands in the
header \`lightcone-error\` where the front knows it, and its hint in \`lightcone-hint\`; on a WebSocket the close code is the one
below, or 1011. This page is written by \`scripts/write-errors.ts\` from \`packages/base/src/errors.ts\`.

The status over HTTP is the one below, but where clients of SpacetimeDB wait for another: a \`clientConnected\` that breaks is 403,
one that takes too long 503, and a program that does not start or whose \`init\` fails is 400 or 500.

| code | HTTP | close | what to do |
|---|---|---|---|
${rows.join("\n")}
`;

if (process.argv.includes("--check")) {
  if (readFileSync(path, "utf8") !== page) {
    process.stderr.write(`${path} is not what the catalogue says: run node scripts/write-errors.ts\n`);
    process.exit(1);
  }
  process.stdout.write(`errors: ${errorCodes.length} codes\n`);
} else {
  writeFileSync(path, page);
}
