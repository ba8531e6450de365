/** @file Element types: their numbers in libtorch and their sizes. Known without the native library. */

/** Element types, numbered as libtorch's `ScalarType`. */
export const dtypes = {
  uint8: 0,
  int32: 3,
  int64: 4,
  float16: 5,
  float32: 6,
  float64: 7,
  bool: 11,
  bfloat16: 15,
} as const;
export type DType = keyof typeof dtypes;

/** Bytes of one element. */
export const bytesPer: Record<DType, number> = {
  uint8: 1,
  bool: 1,
  float16: 2,
  bfloat16: 2,
  int32: 4,
  float32: 4,
  int64: 8,
  float64: 8,
};
