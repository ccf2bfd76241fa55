// Goal: interruptible work ends in loops that nothing else can end, and lets everything else through.
// Method: run each kind of runaway with a short budget; what they caught and what ran after is observed.
import { describe, expect, test } from "vitest";
import { sectionMsMax } from "./critical-section.ts";
import { TimeoutWatchdog } from "./watchdog.ts";

/** The exports of a module. The platform's types name no `WebAssembly` without those of a browser. */
function instantiate(code: Uint8Array): Record<string, unknown> {
  const engine: {
    Module: new (code: Uint8Array) => object;
    Instance: new (module: object) => { exports: Record<string, unknown> };
  } = Reflect.get(globalThis, "WebAssembly");
  return new engine.Instance(new engine.Module(code)).exports;
}

const timeoutWatchdog = new TimeoutWatchdog();

describe("interruptible work", () => {
  test("that ends in time says so", () => {
    let ran = false;
    expect(timeoutWatchdog.run(() => (ran = true), 1000)).toBe(true);
    expect(ran).toBe(true);
  });

  test("ends a loop, past its catch and finally", () => {
    const seen: string[] = [];
    const done = timeoutWatchdog.run(() => {
      try {
        for (;;);
      } catch {
        seen.push("catch");
      } finally {
        seen.push("finally");
      }
    }, 20);
    expect(done).toBe(false);
    expect(seen).toEqual([]);
  });

  test("ends a WebAssembly loop", () => {
    // (module (func (export "loop") (loop br 0)))
    const code = Uint8Array.from([
      0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 7, 8, 1, 4, 108, 111, 111, 112, 0, 0, 10, 9, 1, 7, 0,
      3, 64, 12, 0, 11, 11,
    ]);
    const loop = instantiate(code)["loop"];
    if (typeof loop !== "function") throw new Error("the test's module lacks its export");
    expect(timeoutWatchdog.run(() => void Reflect.apply(loop, undefined, []), 20)).toBe(false);
  });

  test("ends a wait", () => {
    const cell = new Int32Array(new SharedArrayBuffer(4));
    expect(timeoutWatchdog.run(() => void Atomics.wait(cell, 0, 0), 20)).toBe(false);
  });

  test("within other work ends right at its time, and that goes on", () => {
    const fromMs = performance.now();
    let [within, spentMs, isOpen] = [true, 0, false];
    const whole = timeoutWatchdog.run(() => {
      timeoutWatchdog.critical.run(() => {
        within = timeoutWatchdog.runWithin(() => {
          for (;;);
        }, 100);
        spentMs = performance.now() - fromMs;
        isOpen = timeoutWatchdog.critical.isOpen;
      });
    }, 50);
    expect({ within, whole, isOpen }).toEqual({ within: false, whole: true, isOpen: true });
    // Without a section to wait for it has none of the second that work outside has.
    expect(spentMs).toBeLessThan(sectionMsMax);
  });

  test("again and again within other work never lets that be ended in a section", () => {
    const within: boolean[] = [];
    let count = 0;
    const whole = timeoutWatchdog.run(() => {
      timeoutWatchdog.critical.run(() => {
        for (let times = 0; times < 4; times += 1)
          within.push(
            timeoutWatchdog.runWithin(() => {
              count += 1;
              for (;;);
            }, sectionMsMax / 2),
          );
      });
    }, 100);
    expect({ whole, within }).toEqual({ whole: true, within: [false, false, false, false] });
    expect(count, "there is no time for all").toBeLessThan(4);
  });

  test("lets exceptions through", () => {
    expect(() =>
      timeoutWatchdog.run(() => {
        throw new RangeError("own");
      }, 1000),
    ).toThrow(RangeError);
  });
});
