/** The module that runs, and all that hangs on which one it is. */
import { LogLevel } from "@lightcone/host";
import { outsideMicrotasks, type Watchdog } from "@lightcone/base/node";
import type { LoadJs } from "@lightcone/host-js";
import type { DatabasePort } from "../calls/module-port.ts";
import { isCallableByAll, ModuleRuntime } from "../calls/module-runtime.ts";
import type { DatabaseContext } from "../core/context.ts";
import type { Module, Program } from "../core/module.ts";
import { noteTimeOut } from "../core/time-out.ts";
import { noWorkId, WorkKind } from "../link/work.ts";
import type { Scheduler } from "../schedule/scheduler.ts";
import { storedProgram } from "./module-row.ts";
import { tablesShownBy } from "./rule-rows.ts";

export class Installation {
  private readonly context: DatabaseContext;
  private readonly port: DatabasePort;
  private readonly scheduler: Scheduler;
  private readonly watchdog: Watchdog;
  private readonly loadJs: LoadJs;

  constructor(context: DatabaseContext, port: DatabasePort, scheduler: Scheduler, watchdog: Watchdog, loadJs: LoadJs) {
    this.context = context;
    this.port = port;
    this.scheduler = scheduler;
    this.watchdog = watchdog;
    this.loadJs = loadJs;
  }

  /** Makes a program ready to run. @throws {LightconeError} `ModuleInvalid`, `SchemaInvalid` */
  load(program: Program): Module {
    const { limits, views } = this.context;
    return new ModuleRuntime(program, { port: this.port, viewPort: views.port }, limits, this.loadJs);
  }

  /**
   * Makes `module` the one that runs; undefined for none.
   *
   * @param withTables whether its tables exist already
   * @throws {LightconeError} `RuleRefused`
   */
  install(module: Module | undefined, withTables = true): void {
    this.use(module);
    this.context.access.setRules(withTables ? (module?.def.rowLevelRules ?? []) : []);
  }

  /** Makes one the one that runs that the tables hold: whatever this release takes or not, the database is there. */
  installAgain(module: Module | undefined): void {
    const { store, access } = this.context;
    this.use(module);
    access.setRules(module?.def.rowLevelRules ?? [], (sql) => tablesShownBy(store, sql));
  }

  private use(module: Module | undefined): void {
    if (this.context.module !== module) this.context.module?.retire();
    this.context.module = module;
    this.context.views.use(module);
    this.watchEnds();
    this.bindTables();
    module?.bind();
  }

  /**
   * Starts the module that the tables hold, if there is one.
   *
   * @throws {LightconeError} `ReducerTimedOut` when it does not come to an end
   */
  async installStored(): Promise<void> {
    const { context } = this;
    const program = storedProgram(context.store);
    if (program === undefined) return;
    const start = (): void => {
      context.activity.begin(WorkKind.program, noWorkId, 0);
      this.installAgain(this.load(program));
      context.views.bind();
      context.activity.end();
    };
    const isStarted = await outsideMicrotasks(() => this.watchdog.run(start, context.limits.reducerTimeoutMs));
    if (!isStarted) throw noteTimeOut(context, "the start of the module");
    for (const fault of context.access.faults) context.log.note(LogLevel.error, fault);
  }

  bindTables(): void {
    this.port.watchScheduled(this.scheduler.bind(this.context.store.tables()));
  }

  /** Calls of functions that hosts have ended in are looked at one by one. */
  watchEnds(): void {
    const { ends, module } = this.context;
    for (const reducer of module?.reducers ?? [])
      reducer.isForAll = isCallableByAll(reducer.def) && !ends.isWatched(reducer.def.name);
  }

  /** What hosts have ended in counts no more, and what waited for that is run. */
  clearEnds(): void {
    this.context.ends.clear();
    this.watchEnds();
    this.scheduler.letGo();
  }
}
