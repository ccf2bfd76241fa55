/** One live query: a template with values for its parameters, and its subscribers. */
import type { TemplateKey } from "@lightcone/sql";
import { makeArgs, type ArgLayout } from "../code/args.ts";
import type { ParameterRow } from "./operator.ts";
import type { DeltaPart } from "./parts.ts";

export const noParts: readonly DeltaPart[] = [];

/** `S` is the caller's type for a subscriber. */
export class LiveQuery<S> implements ParameterRow {
  /** The key of its template. */
  readonly key: TemplateKey;
  readonly values: readonly Uint8Array[];
  readonly numbers: Float64Array;
  readonly views: readonly DataView[];
  /** Subscriber → how often it subscribed and did not unsubscribe. */
  readonly subscribers = new Map<S, number>();
  /** What the last commit changed of the result. */
  parts: readonly DeltaPart[] = noParts;
  position = 0;
  /** A number of the caller's that stands for the only one to hear of it: see `LiveQueries.setLone`. -1 for none. */
  lone = -1;
  /** Whether its template met a limit: it is not kept up to date any more. */
  isStruckOff = false;

  constructor(key: TemplateKey, layout: ArgLayout, values: readonly Uint8Array[]) {
    const args = makeArgs(layout, values);
    this.key = key;
    this.values = values;
    this.numbers = args.numbers;
    this.views = args.views;
  }
}
