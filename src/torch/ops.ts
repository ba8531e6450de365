/**
 * @file The operators in use, typed: the engine's whole vocabulary. Each is one dispatcher call with autograd; names
 * and argument order follow PyTorch. Add one here rather than calling the dispatcher elsewhere.
 */
import { countCall, countRead, countUpload } from "./device-ledger.ts";
import { type NativeValue, native } from "./native.ts";
import { bytesPer, type DType, dtypes, Tensor } from "./tensor.ts";

type Argument = Tensor | number | boolean | string | null | undefined | readonly Argument[];

/** A dispatcher operator by its full name, of `aten` unless it says otherwise; looked up at its first call. */
function operator(name: string): (...args: Argument[]) => unknown {
  let index = -1;
  let kinds = "";
  return (...args) => {
    if (index < 0) {
      const [base, overload] = name.split(".") as [string, string?];
      index = native.find(base.includes("::") ? base : `aten::${base}`, overload ?? "");
      kinds = native.returns(index);
    }
    countCall(name);
    if (kinds.includes("V")) countRead();
    const result = native.call(index, ...args.map(lower));
    return kinds.length === 1
      ? lift(kinds, result)
      : [...kinds].map((kind, i) => lift(kind, (result as NativeValue[])[i]));
  };
}

function lower(value: Argument): NativeValue {
  if (value instanceof Tensor) return value.handle;
  if (Array.isArray(value)) return value.map(lower);
  return value as NativeValue;
}

function lift(kind: string, value: NativeValue): unknown {
  if (kind === "T") return new Tensor(value as number);
  if (kind === "L") return (value as number[]).map((handle) => new Tensor(handle));
  return value;
}

type Unary = (x: Tensor) => Tensor;
type Binary = (a: Tensor, b: Tensor | number) => Tensor;
const unary = (name: string) => operator(name) as Unary;

function binary(name: string, scalar: string): Binary {
  const tensorForm = operator(name) as Binary;
  const scalarForm = operator(scalar) as Binary;
  return (a, b) => (b instanceof Tensor ? tensorForm(a, b) : scalarForm(a, b));
}

// ── Making tensors ────────────────────────────────────────────────────────────────────────────────────────────────

/** A float32 tensor from numbers, row-major. */
export function floats(values: Float32Array | readonly number[], shape: readonly number[]): Tensor {
  return new Tensor(native.fromBytes(Float32Array.from(values), shape, dtypes.float32));
}

/** An int64 tensor from numbers, row-major; a vector unless `shape` says otherwise. */
export function ints(values: readonly number[], shape: readonly number[] = [values.length]): Tensor {
  return new Tensor(native.fromBytes(BigInt64Array.from(values, BigInt), shape, dtypes.int64));
}

/** A bool tensor from bytes that are 0 or 1, row-major. */
export function bools(values: Uint8Array, shape: readonly number[]): Tensor {
  return new Tensor(native.fromBytes(values, shape, dtypes.bool));
}

/** A tensor from raw little-endian bytes, row-major. */
export function fromBytes(bytes: Uint8Array, shape: readonly number[], dtype: DType): Tensor {
  const wanted = shape.reduce((a, b) => a * b, bytesPer[dtype]);
  if (bytes.byteLength !== wanted)
    throw new Error(`[${shape}] ${dtype} needs ${wanted} bytes, got ${bytes.byteLength}.`);
  return new Tensor(native.fromBytes(bytes, shape, dtypes[dtype]));
}

const emptyOp = operator("empty.memory_format");
/** A tensor on the CPU whose elements are still to be written. */
export function empty(shape: readonly number[], dtype: DType): Tensor {
  return emptyOp(shape, dtypes[dtype]) as Tensor;
}
const zerosOp = operator("zeros");
/** All zeros. */
export function zeros(shape: readonly number[], dtype: DType = "float32", device = "cpu"): Tensor {
  return zerosOp(shape, dtypes[dtype], undefined, device) as Tensor;
}
const fullOp = operator("full");
/** All of one value. */
export function full(shape: readonly number[], value: number, dtype: DType, device: string): Tensor {
  return fullOp(shape, value, dtypes[dtype], undefined, device) as Tensor;
}
export const zerosLike = unary("zeros_like");

const normalOp = operator("normal_");
/** Fills `x` in place with normal numbers of that mean and deviation. */
export function normal_(x: Tensor, mean: number, std: number, generator: Generator): Tensor {
  return inPlace(x, normalOp(x, mean, std, generator.handle));
}

const uniformOp = operator("uniform_");
/** Fills `x` in place with uniform numbers of [from, to). */
export function uniform_(x: Tensor, from: number, to: number, generator: Generator): Tensor {
  return inPlace(x, uniformOp(x, from, to, generator.handle));
}
const bernoulliOp = operator("bernoulli_.float");
/** Fills `x` in place with ones, each with probability `p`, and zeros. */
export function bernoulli_(x: Tensor, p: number, generator: Generator): Tensor {
  return inPlace(x, bernoulliOp(x, p, generator.handle));
}

// ── Types and devices ─────────────────────────────────────────────────────────────────────────────────────────────

const toDtypeOp = operator("to.dtype");
/** `x` as `dtype`; the same values shared when it already is. */
export function cast(x: Tensor, dtype: DType): Tensor {
  return toDtypeOp(x, dtypes[dtype]) as Tensor;
}
/** `cast` for a result that lives no longer than `x`: gives `x` itself if it has that type already. */
export const asType = (x: Tensor, dtype: DType) => (x.dtype === dtype ? x : cast(x, dtype));
const toDeviceOp = operator("to.device");
/** `x` on a device; the same values shared when it is there already. */
export function toDevice(x: Tensor, device: string): Tensor {
  countUpload();
  return toDeviceOp(x, device, dtypes[x.dtype]) as Tensor;
}
const contiguous = unary("contiguous");
/** Writes the values of `host` into `place`, a tensor of its shape that is kept on a device, without waiting for what that is doing. */
export function upload_(place: Tensor, host: Tensor): Tensor {
  countUpload();
  countCall("copy_");
  native.upload(place.handle, host.handle);
  return place;
}
/** `x` on the host, row-major; the same values shared when it is so already. */
export function toHost(x: Tensor): Tensor {
  countRead();
  using there = toDeviceOp(x, "cpu", dtypes[x.dtype]) as Tensor;
  return contiguous(there);
}
/** A copy in the host's memory that cannot be paged out, from which a GPU copies fastest. */
export const pinMemory = unary("pin_memory");
export const detach = unary("detach");
/** `value`, sharing its memory, as if it had been computed from `leaf`, whose gradient then is that of the result. */
export const standIn = (value: Tensor, leaf: Tensor) => new Tensor(native.standIn(value.handle, leaf.handle));
export const clone = unary("clone");

// ── Arithmetic ────────────────────────────────────────────────────────────────────────────────────────────────────

export const add = binary("add.Tensor", "add.Scalar");
export const sub = binary("sub.Tensor", "sub.Scalar");
export const mul = binary("mul.Tensor", "mul.Scalar");
export const div = binary("div.Tensor", "div.Scalar");
export const gt = binary("gt.Tensor", "gt.Scalar");
export const lt = binary("lt.Tensor", "lt.Scalar");
export const minimum = operator("minimum") as (a: Tensor, b: Tensor) => Tensor;
export const abs = unary("abs");
export const neg = unary("neg");
export const exp = unary("exp");
export const cos = unary("cos");
export const sin = unary("sin");
export const silu = unary("silu");
export const sqrt = unary("sqrt");
export const gelu = unary("gelu");
const clampOp = operator("clamp");
/** Clamps elements between the bounds; null is no bound. A clamped element has no gradient. */
export function clamp(x: Tensor, min: number | null, max: number | null): Tensor {
  return clampOp(x, min, max) as Tensor;
}
export const where = operator("where.self") as (condition: Tensor, a: Tensor, b: Tensor) => Tensor;
export const maskedFill = operator("masked_fill.Scalar") as (x: Tensor, mask: Tensor, value: number) => Tensor;

// ── Reductions ────────────────────────────────────────────────────────────────────────────────────────────────────

export const sum = unary("sum");
export const mean = unary("mean");
export const max = unary("max");
export const all = unary("all");
export const sumDim = operator("sum.dim_IntList") as (x: Tensor, dims: readonly number[], keepdim?: boolean) => Tensor;
export const argmax = operator("argmax") as (x: Tensor, dim: number) => Tensor;
export const logSoftmax = operator("log_softmax.int") as (x: Tensor, dim: number) => Tensor;
export const softmax = operator("softmax.int") as (x: Tensor, dim: number) => Tensor;
/** Where each of values_BN stands in the rows of sums_BM, which do not fall: how many of those are less. [B, N] int64 */
export const searchSorted = operator("searchsorted.Tensor") as (sums_BM: Tensor, values_BN: Tensor) => Tensor;
export const remainder = operator("remainder.Scalar") as (x: Tensor, divisor: number) => Tensor;
export const cumsum = operator("cumsum") as (x: Tensor, dim: number) => Tensor;
/** Values sorted along `dim`, and the places where they stood. */
export const sort = operator("sort") as (x: Tensor, dim: number, descending: boolean) => [Tensor, Tensor];
export const topk = operator("topk") as (x: Tensor, k: number, dim: number) => [Tensor, Tensor];
/** The root of the sum of squares of all elements. */
export const norm = operator("linalg_vector_norm") as (x: Tensor) => Tensor;
export const equal = operator("equal") as (a: Tensor, b: Tensor) => boolean;

// ── Shape ─────────────────────────────────────────────────────────────────────────────────────────────────────────

export const reshape = operator("reshape") as (x: Tensor, shape: readonly number[]) => Tensor;
export const permute = operator("permute") as (x: Tensor, dims: readonly number[]) => Tensor;
export const transpose = operator("transpose.int") as (x: Tensor, a: number, b: number) => Tensor;
export const unsqueeze = operator("unsqueeze") as (x: Tensor, dim: number) => Tensor;
export const squeeze = operator("squeeze.dim") as (x: Tensor, dim: number) => Tensor;
export const expand = operator("expand") as (x: Tensor, shape: readonly number[]) => Tensor;
export const narrow = operator("narrow") as (x: Tensor, dim: number, start: number, length: number) => Tensor;
/** Parts of the given sizes along `dim`; unlike repeated `narrow`, its gradient is one concatenation. */
export const split = operator("split_with_sizes") as (x: Tensor, sizes: readonly number[], dim: number) => Tensor[];
export const chunk = operator("chunk") as (x: Tensor, chunks: number, dim: number) => Tensor[];
export const cat = operator("cat") as (xs: readonly Tensor[], dim: number) => Tensor;
/** Rotates along `dim` by `shift` places; what leaves at the end enters at the beginning. */
export const roll = operator("roll") as (x: Tensor, shift: readonly number[], dim: readonly number[]) => Tensor;
export const repeat = operator("repeat") as (x: Tensor, times: readonly number[]) => Tensor;
const padOp = operator("constant_pad_nd");
/** `x` with zeros after the last of its two last dimensions' rows and columns, so many of each. */
export const pad = (x: Tensor, rows: number, columns: number) => padOp(x, [0, columns, 0, rows], 0) as Tensor;
export const stack = operator("stack") as (xs: readonly Tensor[], dim: number) => Tensor;

// ── Looking up ────────────────────────────────────────────────────────────────────────────────────────────────────

export const embedding = operator("embedding") as (weight: Tensor, ids: Tensor) => Tensor;
export const indexSelect = operator("index_select") as (x: Tensor, dim: number, index: Tensor) => Tensor;
export const indexCopy = operator("index_copy") as (x: Tensor, dim: number, index: Tensor, source: Tensor) => Tensor;
export const gather = operator("gather") as (x: Tensor, dim: number, index: Tensor) => Tensor;

// ── Products and normalisation ────────────────────────────────────────────────────────────────────────────────────

export const matmul = operator("matmul") as (a: Tensor, b: Tensor) => Tensor;
/** x Wᵀ + b. On a processor, in float32, by oneDNN: about twice as fast as libtorch's own on AMD's (native/linear.cc). */
export const linear = operator("grit::linear") as (x: Tensor, weight: Tensor, bias?: Tensor) => Tensor;
/**
 * The weight of a linear layer, laid out as a processor's products read it fastest, a copy: for `linear` without gradients alone. The
 * weight itself where there is no such layout.
 */
export const pack = unary("grit::pack");
/** x / √(mean(x²) + eps) · weight over the last dimension. On a processor, in float32, in one pass (native/rms_norm.cc). */
export const rmsNorm = operator("grit::rms_norm") as (x: Tensor, weight: Tensor, eps: number) => Tensor;
/** x · cos + x' · signedSin, x' [T, heads, E] with the halves of each head exchanged; cos and signedSin [T, 1, E] (native/rotate.cc). */
export const rotate = operator("grit::rotate") as (x: Tensor, cos: Tensor, signedSin: Tensor) => Tensor;
/** silu(gate) · up (native/gated.cc). */
export const gated = operator("grit::gated") as (gate: Tensor, up: Tensor) => Tensor;
const layerNormOp = operator("layer_norm");
/** (x - mean) / √(variance + eps) · weight + bias over the last dimension. */
export function layerNorm(x: Tensor, weight: Tensor, bias: Tensor, eps: number): Tensor {
  return layerNormOp(x, weight.shape, weight, bias, eps) as Tensor;
}
/** x [batch, channels, height, width] at another size, by cubic convolution (a = -0.75, not widened on reduction). */
export const upsampleBicubic = operator("upsample_bicubic2d") as (
  x: Tensor,
  size: readonly number[],
  alignCorners: boolean,
) => Tensor;
const sdpaOp = operator("scaled_dot_product_attention");
/** softmax(q kᵀ / √d + mask) v over [batch, heads, length, d]. */
export function attention(q: Tensor, k: Tensor, v: Tensor, mask?: Tensor, causal = false): Tensor {
  return sdpaOp(q, k, v, mask, 0, causal) as Tensor;
}

/** Where each of some sequences, laid end to end, ends: [count + 1] int32 from 0 on; and the longest of them. */
export interface Lengths {
  readonly ends: Tensor;
  readonly longest: number;
}
const flashOp = operator("_flash_attention_forward");
/**
 * softmax(q kᵀ / √d) v of sequences laid end to end, causal and aligned at the end of each: q [T, H, d], k and v [S, K, d], H a
 * multiple of K → [T, H, d]. On CUDA alone, in 16 bits. With `seen` queries look at all keys, of which each sequence has so many
 * from where the one before it ends: [count] int32.
 */
export function flashAttention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  queries: Lengths,
  keys: Lengths,
  seen?: Tensor,
): Tensor {
  const lengths = [queries.ends, keys.ends, queries.longest, keys.longest];
  const usual = [null, null, null];
  const [out] = flashOp(q, k, v, ...lengths, 0, seen === undefined, false, ...usual, seen) as [Tensor];
  return out;
}
const sdpChoiceOp = operator("_fused_sdp_choice");
/** What `hasFlashAttention` found, by device, type and width: asked before every pass, and the same each time. */
const flashFound = new Map<string, boolean>();
/** Whether `flashAttention` runs for a head of width `d` on a device. */
export function hasFlashAttention(device: string, dtype: DType, d: number): boolean {
  // The kernel reads 8 halves at a time.
  if (!device.startsWith("cuda") || bytesPer[dtype] !== 2 || d % 8 !== 0) return false;
  const key = `${device} ${dtype} ${d}`;
  const known = flashFound.get(key);
  if (known !== undefined) return known;
  const probe = zeros([1, 1, 8, d], dtype, device);
  const FLASH = 1;
  const found = sdpChoiceOp(probe, probe, probe, undefined, 0, true) === FLASH;
  probe.dispose();
  flashFound.set(key, found);
  return found;
}

// ── In place ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** In-place operators return a second handle on the same tensor; it is freed and the first one given back. */
function inPlace(x: Tensor, result: unknown): Tensor {
  (result as Tensor).dispose();
  return x;
}
const copyOp = operator("copy_");
const zeroOp = operator("zero_");
const mulInPlaceOp = operator("mul_.Tensor");
const mulScalarInPlaceOp = operator("mul_.Scalar");
const addInPlaceOp = operator("add_.Tensor");
const addScalarInPlaceOp = operator("add_.Scalar");
const indexCopyOp = operator("index_copy_");
const indexFillOp = operator("index_fill_.int_Scalar");
export const copy_ = (x: Tensor, source: Tensor) => inPlace(x, copyOp(x, source));
export const zero_ = (x: Tensor) => inPlace(x, zeroOp(x));
export const mul_ = (x: Tensor, factor: Tensor | number) =>
  inPlace(x, factor instanceof Tensor ? mulInPlaceOp(x, factor) : mulScalarInPlaceOp(x, factor));
export const add_ = (x: Tensor, other: Tensor | number) =>
  inPlace(x, other instanceof Tensor ? addInPlaceOp(x, other) : addScalarInPlaceOp(x, other));
/** Copies `source` into the places of `x` along `dim` that `index` names. */
export const indexCopy_ = (x: Tensor, dim: number, index: Tensor, source: Tensor) =>
  inPlace(x, indexCopyOp(x, dim, index, source));
/** Fills the places of `x` along `dim` that `index` names. */
export const indexFill_ = (x: Tensor, dim: number, index: Tensor, value: number) =>
  inPlace(x, indexFillOp(x, dim, index, value));

const fusedAdamW = operator("_fused_adamw_");
/** One AdamW update of every parameter in place (decoupled weight decay). `steps` are float32 scalars, already counted up. */
export function adamw_(
  params: readonly Tensor[],
  grads: readonly Tensor[],
  expAvg: readonly Tensor[],
  expAvgSq: readonly Tensor[],
  steps: readonly Tensor[],
  options: { lr: number; betas: readonly [number, number]; eps: number; weightDecay: number },
): void {
  const { lr, betas, eps, weightDecay } = options;
  fusedAdamW(params, grads, expAvg, expAvgSq, [], steps, lr, betas[0], betas[1], weightDecay, eps, false, false);
}

/** A libtorch random stream on one device; its state can be saved and restored. */
export class Generator {
  readonly handle: number;

  constructor(seed: number, device = "cpu") {
    this.handle = native.generator(device, seed);
  }

  get state(): Uint8Array {
    using state = new Tensor(native.generatorState(this.handle));
    return state.toBytes();
  }

  set state(bytes: Uint8Array) {
    using state = fromBytes(bytes, [bytes.length], "uint8");
    native.setGeneratorState(this.handle, state.handle);
  }

  [Symbol.dispose](): void {
    native.disposeGenerator(this.handle);
  }
}
