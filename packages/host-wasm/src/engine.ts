/** The part of the WebAssembly JavaScript API that is used here. Node's types leave it out; browsers' types are not ours to load. */

export interface GuestMemoryObject {
  readonly buffer: ArrayBuffer;
}

/** What a module exports: functions and its memory, by name. */
export type GuestExports = Readonly<Record<string, unknown>>;

interface Engine {
  readonly Module: {
    new (bytes: Uint8Array<ArrayBuffer>): object;
    imports(module: object): readonly { readonly name: string }[];
    customSections(module: object, name: string): readonly ArrayBuffer[];
  };
  readonly Instance: new (module: object, imports: object) => { readonly exports: GuestExports };
  readonly Memory: new (descriptor: { initial: number }) => GuestMemoryObject;
  readonly RuntimeError: new (message?: string) => Error;
  readonly CompileError: new (message?: string) => Error;
  readonly LinkError: new (message?: string) => Error;
  /** What makes an import whose promise the guest waits for, if it was entered through `promising`. */
  readonly Suspending: new (closure: unknown) => object;
  /** An export that gives a promise of its result. */
  readonly promising: (entry: unknown) => unknown;
}

// The global is there in every Node; only its types are missing.
export const wasm: Engine = Reflect.get(globalThis, "WebAssembly") as Engine;
