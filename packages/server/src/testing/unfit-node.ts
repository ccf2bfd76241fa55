/** The real factory for host processes, on a Node that has lost its promise hooks. */
import { promiseHooks } from "node:v8";

Reflect.set(promiseHooks, "createHook", () => () => undefined);

export * from "../process/database-factory.ts";
