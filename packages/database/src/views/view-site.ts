/** What the views of a database need of it, and what it needs of them. */
import type { Clock, LightconeError, TableId } from "@lightcone/base";
import type { Watchdog } from "@lightcone/base/node";
import type { Store } from "@lightcone/engine";
import type { FunctionKind, ModuleInstance } from "@lightcone/host";
import type { Changes } from "@lightcone/query";
import type { ModuleDef } from "@lightcone/schema";
import type { DatabaseLimits } from "../link/limits.ts";
import type { Activity } from "../link/work.ts";
import type { ModuleLog } from "../module-log/module-log.ts";
import type { Instance } from "./instances.ts";
import type { Relations } from "./relations.ts";

export interface ViewSite {
  readonly store: Store;
  readonly relations: Relations;
  readonly watchdog: Watchdog;
  readonly clock: Clock;
  readonly limits: DatabaseLimits;
  readonly log: ModuleLog;
  readonly activity: Activity;
  readonly ends: ViewEnds;
  readonly condemned: CondemnedViews;
  readonly databaseIdentity: Uint8Array;
  readonly seed: number;
}

/** The views that hosts have ended in, and how often. */
export interface ViewEnds {
  /** Why a view is refused now, if so. */
  refusal(view: string): LightconeError | undefined;
}

/** The views that the host before ended in. */
export interface CondemnedViews {
  /** Whether this is one, as long as what that host had been given is gone through. */
  has(view: TableId, isRestoring: boolean): boolean;
}

/** The module that views are of. */
export interface ViewModule {
  readonly def: ModuleDef;
  /** The instance that views run in; a new one after `discardViews`. */
  readonly views: ModuleInstance;
  /** Drops that: it was left in the middle of a view, or its module has had its time. */
  discardViews(): void;
  /** Where a function stands in the author's files, if that can be told. */
  placeOf(kind: FunctionKind, name: string): { readonly file: string; readonly line: number } | undefined;
}

/** Hears what changes of views apart from any commit. */
export interface ViewListener {
  /** Rows that nobody is subscribed to have come or gone. */
  filled(changes: Changes): void;
  /** Those who are subscribed to an instance are to be told that it has failed. Not within a commit. */
  failed(instance: Instance, error: LightconeError): void;
}
