/**
 * @file Tensors: integer handles into libtorch with explicit lifetimes.
 *
 * - A tensor made inside `tidy(() => …)` is freed when the scope ends, unless it is returned or kept.
 * - `using x = …` frees `x` at the end of its block; `dispose()` frees it now.
 * - Anything made outside every scope lives until it is disposed.
 *
 * JavaScript's garbage collector plays no part: finalizers do not run inside a synchronous loop, and it cannot see how
 * much memory a handle holds.
 */

import { countCall, countRead } from "./device-ledger.ts";
import { bytesPer, type DType, dtypes } from "./dtype.ts";
import { type Handle, native } from "./native.ts";

export { bytesPer, type DType, dtypes } from "./dtype.ts";

const dtypeNames = new Map<number, DType>(Object.entries(dtypes).map(([name, code]) => [code, name as DType]));

/** A libtorch tensor. Operators are functions in `ops.ts`. */
export class Tensor {
  #handle: Handle;
  #shape: readonly number[] | undefined;
  #dtype: DType | undefined;

  /** Takes ownership of a handle and registers it with the innermost `tidy` scope. */
  constructor(handle: Handle) {
    this.#handle = handle;
    scopes.at(-1)?.add(this);
  }

  /** @throws when the tensor was disposed. */
  get handle(): Handle {
    if (this.#handle < 0) throw new Error(`Use of a disposed tensor (its shape was [${this.#shape ?? "unknown"}]).`);
    return this.#handle;
  }

  get disposed(): boolean {
    return this.#handle < 0;
  }

  get shape(): readonly number[] {
    this.#shape ??= native.shape(this.handle);
    return this.#shape;
  }

  /** Length of dimension `i`; negative counts from the end. */
  size(i: number): number {
    const size = this.shape.at(i);
    if (size === undefined) throw new Error(`A tensor of shape [${this.shape}] has no dimension ${i}.`);
    return size;
  }

  get dtype(): DType {
    this.#dtype ??= dtypeOf(this.handle);
    return this.#dtype;
  }

  /** `cpu`, `cuda:0`, … */
  get device(): string {
    return native.device(this.handle);
  }

  /** The value of a one-element tensor. */
  item(): number {
    countRead();
    return native.item(this.handle);
  }

  /** All elements, row-major, as float32. The tensor must be float32. */
  toFloats(): Float32Array {
    this.#expect("float32");
    return this.#read(new Float32Array(product(this.shape)));
  }

  /** All elements, row-major, as JavaScript numbers. The tensor must be int64. */
  toInts(): number[] {
    this.#expect("int64");
    return Array.from(this.#read(new BigInt64Array(product(this.shape))), Number);
  }

  /** The raw little-endian bytes, row-major. */
  toBytes(): Uint8Array {
    return this.#read(new Uint8Array(product(this.shape) * bytesPer[this.dtype]));
  }

  #read<T extends ArrayBufferView>(out: T): T {
    countRead();
    native.intoBytes(this.handle, out);
    return out;
  }

  #expect(dtype: DType): void {
    if (this.dtype !== dtype) throw new Error(`Expected a ${dtype} tensor, got ${this.dtype}.`);
  }

  /** Marks a leaf for differentiation. */
  requiresGrad(on = true): this {
    native.requiresGrad(this.handle, on);
    return this;
  }

  /** Adds to the `grad` of every leaf this depends on; `gradient` is that of this tensor, 1 for a scalar. */
  backward(gradient?: Tensor): void {
    countCall("backward");
    native.backward(this.handle, gradient?.handle);
  }

  /** A new handle on the accumulated gradient, if any. */
  grad(): Tensor | undefined {
    const handle = native.gradOf(this.handle);
    return handle === undefined ? undefined : new Tensor(handle);
  }

  clearGrad(): void {
    native.clearGrad(this.handle);
  }

  dispose(): void {
    if (this.#handle < 0) return;
    this.#shape ??= native.shape(this.#handle);
    native.dispose(this.#handle);
    this.#handle = -1;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

function dtypeOf(handle: Handle): DType {
  const code = native.dtype(handle);
  const name = dtypeNames.get(code);
  if (!name) throw new Error(`Unsupported tensor type ${code}.`);
  return name;
}

const scopes: Set<Tensor>[] = [];

/** Anything that may hold tensors: a tensor, or arrays and plain objects of such things. */
type Holder = unknown;

/**
 * Runs `f` and frees every tensor made meanwhile, except those reachable from its result (through arrays, plain objects
 * and maps), which pass to the enclosing scope. `f` must be synchronous: a scope is a stretch of the call stack.
 */
export function tidy<T extends Holder>(f: () => T): T {
  const scope = new Set<Tensor>();
  scopes.push(scope);
  try {
    const result = f();
    if (result instanceof Promise) throw new Error("tidy: the function must be synchronous.");
    release(result, scope);
    return result;
  } finally {
    scopes.pop();
    for (const tensor of scope) tensor.dispose();
  }
}

/** Takes the tensors in `value` out of every scope: they live until disposed. Returns `value`. */
export function keep<T extends Holder>(value: T): T {
  visit(value, (tensor) => {
    for (const scope of scopes) scope.delete(tensor);
  });
  return value;
}

/**
 * Gives a function that keeps tensors until the innermost scope of now ends, although they are made later, in scopes within
 * it.
 */
export function scopeHere(): <T extends Holder>(value: T) => T {
  const home = scopes.at(-1);
  return (value) => {
    visit(keep(value), (tensor) => home?.add(tensor));
    return value;
  };
}

/** Frees every tensor in `value`. */
export function disposeAll(value: Holder): void {
  visit(value, (tensor) => tensor.dispose());
}

function release(value: Holder, scope: Set<Tensor>): void {
  const outer = scopes.at(-2);
  visit(value, (tensor) => {
    if (scope.delete(tensor)) outer?.add(tensor);
  });
}

function visit(value: Holder, f: (tensor: Tensor) => void): void {
  if (value instanceof Tensor) f(value);
  else if (Array.isArray(value)) for (const item of value) visit(item, f);
  else if (value instanceof Map) for (const item of value.values()) visit(item, f);
  else if (value && typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype) {
    for (const item of Object.values(value)) visit(item, f);
  }
}

/** Runs `f` without recording a graph. */
export function noGrad<T>(f: () => T): T {
  const before = native.setGradMode(false);
  try {
    return f();
  } finally {
    native.setGradMode(before);
  }
}

/** Live tensors and the bytes of their distinct storages: what a leak test counts. */
export function liveTensors(): { tensors: number; bytes: number } {
  const [tensors, bytes] = native.live();
  return { tensors, bytes };
}

function product(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}
