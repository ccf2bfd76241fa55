/**
 * Functions in which a host ended. The call is failed and not run again, so it costs a database a second or two and its
 * other clients nothing else. A client that can end a host can do so again, though: after some ends that function alone is
 * refused for a while, to all but the owner. `docs/decisions/0065`.
 */
import { LightconeError, type Clock } from "@lightcone/base";

export interface FunctionEnd {
  readonly functionName: string;
  readonly atMicros: number;
}

const minuteMicros = 60e6;
/** Ends count for so long, and a function is refused for no longer. */
const keptMicros = 60 * minuteMicros;

export class FunctionEnds {
  private readonly clock: Clock;
  private readonly endsMax: number;
  private ends: readonly FunctionEnd[];

  /** @param endsMax ends within an hour after which a function is refused */
  constructor(clock: Clock, endsMax: number, ends: readonly FunctionEnd[]) {
    this.clock = clock;
    this.endsMax = endsMax;
    this.ends = ends;
  }

  /** Those that still count, oldest first. */
  get all(): readonly FunctionEnd[] {
    const from = this.clock.nowMicros() - keptMicros;
    return this.ends.filter(({ atMicros }) => atMicros > from);
  }

  add(functionName: string): void {
    this.ends = [...this.all, { functionName, atMicros: this.clock.nowMicros() }];
  }

  /** A new program starts with none. */
  clear(): void {
    this.ends = [];
  }

  /** Whether a function may be refused at some time: then each of its calls is checked. */
  isWatched(functionName: string): boolean {
    return this.endsOf(functionName).length >= this.endsMax;
  }

  /** Why a function is refused now, if so: for a minute at first, and twice as long with each further end. */
  refusal(functionName: string): LightconeError<"FunctionQuarantined"> | undefined {
    if (this.ends.length === 0) return undefined;
    const ends = this.endsOf(functionName);
    const last = ends.at(-1);
    if (last === undefined || ends.length < this.endsMax) return undefined;
    const forMicros = Math.min(minuteMicros * 2 ** (ends.length - this.endsMax), keptMicros);
    const leftMicros = last.atMicros + forMicros - this.clock.nowMicros();
    if (leftMicros <= 0) return undefined;
    return new LightconeError("FunctionQuarantined", {
      functionName,
      endCount: ends.length,
      seconds: Math.ceil(leftMicros / 1e6),
    });
  }

  private endsOf(functionName: string): readonly FunctionEnd[] {
    return this.ends.length === 0 ? this.ends : this.all.filter((end) => end.functionName === functionName);
  }
}
