/**
 * @file The bytes of a tensor in pieces: Node reads and writes less than 2 GiB at a time, and an array as large as the tensor would
 * be a second copy of it.
 */
import { native } from "./native.ts";
import { empty, toHost } from "./ops.ts";
import { bytesPer, type DType, type Tensor } from "./tensor.ts";

/** Bytes of a piece. */
const PIECE = 2 ** 26;

/** A new tensor on the CPU, of which `fill` writes one piece after another; `at` is where in the tensor a piece begins. */
export function filled(shape: readonly number[], dtype: DType, fill: (piece: Uint8Array, at: number) => void): Tensor {
  const tensor = empty(shape, dtype);
  try {
    for (const { piece, at } of stretches(shape.reduce((a, b) => a * b, bytesPer[dtype]))) {
      fill(piece, at);
      native.putBytes(tensor.handle, at, piece);
    }
    return tensor;
  } catch (error) {
    tensor.dispose();
    throw error;
  }
}

/** The raw little-endian bytes, row-major, piece by piece; each is overwritten by the next. */
export function* piecesOf(x: Tensor): Generator<Uint8Array> {
  using host = toHost(x);
  for (const { piece, at } of stretches(host.shape.reduce((a, b) => a * b, bytesPer[host.dtype]))) {
    native.getBytes(host.handle, at, piece);
    yield piece;
  }
}

/** Stretches of so many bytes, with one array for all of them. */
function* stretches(bytes: number): Generator<{ piece: Uint8Array; at: number }> {
  const array = new Uint8Array(Math.min(PIECE, bytes));
  for (let at = 0; at < bytes; at += PIECE) yield { piece: array.subarray(0, Math.min(PIECE, bytes - at)), at };
}
