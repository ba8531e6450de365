import { expect, it } from "vitest";
import { prepareCuda, wantsDeterminism, wantsTf32 } from "./cuda-environment.ts";

const prepared = (env: Record<string, string | undefined>) => {
  prepareCuda(env);
  return env;
};

it("segments grow, unless the user has set up the allocator under either name", () => {
  expect(prepared({})).toEqual({ PYTORCH_CUDA_ALLOC_CONF: "expandable_segments:True" });
  const own = [{ PYTORCH_CUDA_ALLOC_CONF: "backend:cudaMallocAsync" }, { PYTORCH_ALLOC_CONF: "" }];
  for (const env of own) expect(prepared({ ...env })).toEqual(env);
});

it("what computes the same bits every time is asked for, and cuBLAS told", () => {
  expect(wantsDeterminism({})).toBe(false);
  const env = prepared({ GRIT_DETERMINISTIC: "1" });
  expect(wantsDeterminism(env)).toBe(true);
  expect(env.CUBLAS_WORKSPACE_CONFIG).toBe(":4096:8");
  expect(prepared({ GRIT_DETERMINISTIC: "1", CUBLAS_WORKSPACE_CONFIG: ":16:8" }).CUBLAS_WORKSPACE_CONFIG).toBe(":16:8");
});

it("TF32 is asked for by PyTorch's variable", () => {
  expect([wantsTf32({}), wantsTf32({ TORCH_ALLOW_TF32_CUBLAS_OVERRIDE: "1" })]).toEqual([false, true]);
});
