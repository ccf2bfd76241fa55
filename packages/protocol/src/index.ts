export * from "./v1/client-message.ts";
export * from "./v1/row-list.ts";
export * from "./v1/server-message.ts";
export { decodeClientMessageJson } from "./v1/client-message-json.ts";
export * from "./v1/decode-server-message.ts";
export * from "./v1/row-list-view.ts";
