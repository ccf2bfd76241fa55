/** The chat of the examples, published by the suites beside the other modules of this folder. */
export * from "../../../../examples/chat/module/src/index.ts";
export { default } from "../../../../examples/chat/module/src/index.ts";
