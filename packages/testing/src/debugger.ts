/** Whether somebody debugs this process. */
import { url } from "node:inspector";

export function inspectorUrl(): string | undefined {
  return url();
}
