export * from "./row-list.ts";
export * from "./row-list-view.ts";
export * from "./v1/client-message.ts";
export * from "./v1/server-message.ts";
export { decodeClientMessageJson } from "./v1/client-message-json.ts";
export * from "./v1/decode-server-message.ts";
export { resultLostStart } from "./result-lost.ts";
export * as v2 from "./v2/index.ts";
export * as v3 from "./v3/payload.ts";
