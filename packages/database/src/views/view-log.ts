/** Why views have no rows, in words; and what of it stands in the module's log. */
import { isLightconeError, LightconeError, type TableId } from "@lightcone/base";
import { LogLevel, type LogLine } from "@lightcone/host";
import type { Instance } from "./instances.ts";
import type { ViewModule, ViewSite } from "./view-site.ts";

/** A view that takes longer of one commit is named in the log, once a minute. */
const slowMs = 5;
const minuteMs = 60_000;

export class ViewLog {
  private readonly site: Pick<ViewSite, "clock" | "log" | "relations">;
  /** How long runs of each view took since this was last looked at, and when one was last said to be slow. */
  private readonly slow = new Map<TableId, number>();
  private readonly slowNotedMs = new Map<TableId, number>();

  constructor(site: Pick<ViewSite, "clock" | "log" | "relations">) {
    this.site = site;
  }

  refused(instance: Instance, message: string): LightconeError {
    this.say({ level: LogLevel.error, message }, instance);
    return failure(instance, message);
  }

  panicked(instance: Instance, message: string, module: ViewModule | undefined): LightconeError {
    const place = module?.placeOf("view", instance.of.view.name);
    this.say({ level: LogLevel.panic, message, ...place }, instance);
    return failure(instance, "it broke; the database's log says how");
  }

  /** Says in the module's log what has happened to an instance. */
  said(instance: Instance, error: LightconeError): LightconeError {
    this.say({ level: LogLevel.error, message: `${error.message}. ${error.hint}` }, instance);
    return error;
  }

  say(line: LogLine, { of }: Instance): void {
    this.site.log.writeEnd(line, of.view.name);
  }

  noteTime({ of }: Instance, spentMs: number): void {
    this.slow.set(of.schema.id, (this.slow.get(of.schema.id) ?? 0) + spentMs);
  }

  /** Names the views that took too long. */
  tellSlow(): void {
    const { clock, log, relations } = this.site;
    const now = clock.steadyMs();
    for (const [id, spentMs] of this.slow) {
      if (spentMs <= slowMs || now - (this.slowNotedMs.get(id) ?? -minuteMs) < minuteMs) continue;
      this.slowNotedMs.set(id, now);
      const name = relations.view(id)?.view.name ?? "";
      const message = `view \`${name}\` took ${Math.round(spentMs)} ms of one commit: everybody waits for it. Let it read by an index, and less`;
      log.writeEnd({ level: LogLevel.warn, message }, name);
    }
  }

  /** What runs took counts no more. */
  forgetTimes(): void {
    this.slow.clear();
  }

  /** Other views run from now on. */
  forgetSlow(): void {
    this.slowNotedMs.clear();
  }
}

export function failure({ of }: Instance, reason: string): LightconeError {
  return new LightconeError("ViewFailed", { view: of.view.name, reason });
}

export function ended(instance: Instance): LightconeError {
  return failure(instance, "the database's process ended while it ran; the database's log says more");
}

export function outOfRoom({ of }: Instance, bytesMax: number): LightconeError {
  const reason = `the rows of views and what subscriptions keep take all of the ${bytesMax} bytes that they may (liveStateBytesMax)`;
  return new LightconeError("ViewFailed", { view: of.view.name, reason });
}

export function timedOut({ of }: Instance, timeoutMs: number): LightconeError {
  return new LightconeError("ViewTimedOut", { view: of.view.name, timeoutMs });
}

/** Another view that an instance reads has failed. */
export function failedWithin(instance: Instance, { of }: Instance, error: LightconeError): LightconeError {
  const why = isLightconeError(error, "ViewFailed") ? error.detail.reason : error.told;
  return failure(instance, `it reads \`${of.view.name}\`, which failed: ${why}`);
}

/** @param path the views that read each other, from the first to the first again */
export function readsItself(instance: Instance, path: readonly string[]): LightconeError {
  return failure(instance, `it reads itself: ${path.map((view) => `\`${view}\``).join(" reads ")}`);
}
