/** The text of an error, cut to what a client is sent: modules and clients can make it as long as they like. */
import { cutText } from "@lightcone/base";
import { errorTextBytesMax } from "../link/limits.ts";

export function errorText(text: string): string {
  return cutText(text, errorTextBytesMax);
}
