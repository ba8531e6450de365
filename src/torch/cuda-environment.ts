/** @file What the environment says to CUDA. Set before the library is loaded, since it reads these once. */

type Environment = Record<string, string | undefined>;

/**
 * Lets CUDA's allocator grow a segment instead of adding another one: sequences change their length all the time, and memory that is
 * free in pieces of the wrong size is lost to it. A user's own setting stays.
 */
export function prepareCuda(env: Environment = process.env): void {
  if (env.PYTORCH_ALLOC_CONF === undefined) env.PYTORCH_CUDA_ALLOC_CONF ??= "expandable_segments:True";
  if (wantsDeterminism(env)) env.CUBLAS_WORKSPACE_CONFIG ??= ":4096:8";
}

/** Does the user ask for kernels that compute the same bits every time? They are slower. */
export function wantsDeterminism(env: Environment = process.env): boolean {
  return env.GRIT_DETERMINISTIC === "1";
}

/** Does the user ask for products of float32 with 10 bits of mantissa? PyTorch's own variable. */
export function wantsTf32(env: Environment = process.env): boolean {
  return env.TORCH_ALLOW_TF32_CUBLAS_OVERRIDE === "1";
}
