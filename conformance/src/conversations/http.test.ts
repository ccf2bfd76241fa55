// Goal: HTTP answers as the reference server does: status, headers and body.
// Method: send the recorded requests in order to a fresh server; compare, with what changes from run to run masked.
// What is not compared stands in `differences.ts`, by name and with its reason.
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rustModule, type RustModuleName } from "../rust-modules.ts";
import { Served } from "../served.ts";
import { differences, entryFor } from "./differences.ts";
import { HttpReplay } from "./http-replay.ts";
import { readRecording } from "./recording.ts";

/** The programs of the recording. */
const programs = new Map<string, RustModuleName>([
  ["harbor1", "harbor"],
  ["harbor2", "harbor2"],
  ["harbor2b", "harbor2b"],
  ["harbor2c", "harbor2c"],
  ["harbor2d", "harbor2d"],
  ["harbor2e", "harbor2e"],
]);
const isBuilt = [...programs.values()].every((name) => rustModule(name) !== undefined);

describe.skipIf(!isBuilt)("http", () => {
  let served: Served;
  let replay: HttpReplay;
  beforeAll(async () => {
    served = await Served.open();
    replay = new HttpReplay(served.url, new Map([["token.bad", "x.y.z"]]), async (name) => {
      const path = rustModule(programs.get(name) ?? "chat");
      return programs.has(name) && path !== undefined ? new Uint8Array(await readFile(path)) : undefined;
    });
  });
  afterAll(() => served.stop());

  for (const part of readRecording("http")) {
    for (const { name, act } of part.exchanges) {
      const difference = entryFor(differences, "http", name);
      test(name, async () => {
        const { status, problems } = await replay.play(act);
        if (difference === undefined) {
          expect(problems).toEqual([]);
          return;
        }
        expect(problems, "the entry in `differences.ts` is not needed").not.toEqual([]);
        expect(status).toBe(difference.httpStatus);
        if (difference.undo !== undefined) await replay.ask(difference.undo, "owner");
      });
    }
  }
});
