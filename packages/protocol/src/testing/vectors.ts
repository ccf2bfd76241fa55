/** Reads `conformance/vectors`. */
import { readFileSync } from "node:fs";

export function readVectors<T>(name: string): T {
  const url = new URL(`../../../../conformance/vectors/${name}`, import.meta.url);
  return JSON.parse(readFileSync(url, "utf8")) as T;
}

export interface MessageVector {
  readonly name: string;
  readonly protocol: string;
  readonly type: string;
  readonly hex: string;
  readonly frame_hex?: string;
  readonly value: unknown;
}

/** One step of a recorded conversation, as far as messages go. */
export interface Step {
  readonly dir: "client" | "server" | "http";
  readonly client?: string;
  readonly hex?: string;
  readonly text?: string;
  readonly decoded?: unknown;
  readonly close?: { readonly code: number | null };
  readonly comment?: string;
}
