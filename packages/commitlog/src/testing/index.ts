export { faultyFileSystem, memoryFileSystem, withoutDatasync, withoutDirectorySync } from "./file-systems.ts";
export type { Fault, FaultyFileSystem, MemoryFileSystem } from "./file-systems.ts";
export { manualClock } from "./manual-clock.ts";
export type { ManualClock } from "./manual-clock.ts";
export { seededNumbers } from "./seeded-numbers.ts";
export { SimulatedDisk, bestFate, worstFate } from "./simulated-disk.ts";
export type { Fate, OperationKind } from "./simulated-disk.ts";
