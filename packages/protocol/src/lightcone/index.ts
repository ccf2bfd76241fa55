export * from "./client-message.ts";
export * from "./decode-server-message.ts";
export * from "./place.ts";
export * from "./server-message.ts";
