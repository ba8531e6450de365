import fc from "fast-check";
import { expect, test } from "vitest";
import { DEVICE } from "../../test/device.ts";
import {
  attention,
  cat,
  floats,
  type Lengths,
  narrow,
  permute,
  repeat,
  reshape,
  toDevice,
  unsqueeze,
} from "../torch/ops.ts";
import { type Tensor, tidy } from "../torch/tensor.ts";
import { stream } from "../util/random.ts";
import { PackAttention } from "./attention.ts";
import { KVCache } from "./kv-cache.ts";
import { additive, prefixedCausal } from "./masks.ts";
import { type ModelShape, type Tree, treeLength } from "./model.ts";
import { VarlenAttention, varlenPlan } from "./varlen-attention.ts";

test("a branch's keys are its root's rows and its own", () => {
  const trees = [
    { root: 2, branches: [1, 2] },
    { root: 1, branches: [] },
  ];
  expect(varlenPlan(trees)).toEqual({
    queries: [2, 1, 2, 1],
    keys: [2, 3, 4, 1],
    rows: [0, 1, 0, 1, 2, 0, 1, 3, 4, 5],
  });
});

/** What the flash kernel computes, sequence by sequence: causal, aligned at the end of queries and keys. */
function referenceKernel(q: Tensor, k: Tensor, v: Tensor, queries: Lengths, keys: Lengths): Tensor {
  const ends = ({ ends }: Lengths) => Array.from(new Int32Array(ends.toBytes().buffer));
  const [qEnds, kEnds] = [ends(queries), ends(keys)];
  const [H, K] = [q.size(1), k.size(1)];
  expect(Math.max(...qEnds.slice(1).map((end, i) => end - qEnds[i]!))).toBe(queries.longest);
  expect(Math.max(...kEnds.slice(1).map((end, i) => end - kEnds[i]!))).toBe(keys.longest);
  const heads = (x: Tensor, bounds: readonly number[], i: number, times: number) => {
    const own = narrow(x, 0, bounds[i]!, bounds[i + 1]! - bounds[i]!);
    const [t, n, E] = own.shape as [number, number, number];
    return unsqueeze(permute(reshape(repeat(unsqueeze(own, 2), [1, 1, times, 1]), [t, n * times, E]), [1, 0, 2]), 0);
  };
  const outs = queries.ends.shape[0]! - 1;
  return cat(
    Array.from({ length: outs }, (_, i) => {
      const [qs, ks, vs] = [heads(q, qEnds, i, 1), heads(k, kEnds, i, H / K), heads(v, kEnds, i, H / K)];
      const [t, s] = [qs.size(2), ks.size(2)];
      const out = attention(qs, ks, vs, additive(prefixedCausal(s - t, t), [t, s], "float32", DEVICE));
      return permute(reshape(out, [H, t, q.size(2)]), [1, 0, 2]);
    }),
    0,
  );
}

const tree = fc.record({
  root: fc.integer({ min: 1, max: 9 }),
  branches: fc.array(fc.integer({ min: 1, max: 7 }), { maxLength: 4 }),
});

test("property: the plan attends as `PackAttention` does, and so do its gradients", () => {
  fc.assert(
    fc.property(fc.array(tree, { minLength: 1, maxLength: 4 }), fc.integer(), (trees: readonly Tree[], seed) => {
      tidy(() => {
        const T = trees.reduce((total, each) => total + treeLength(each), 0);
        const random = stream(seed, "varlen");
        const numbers = (heads: number) => Float32Array.from({ length: T * heads * 8 }, () => 2 * random.float() - 1);
        const inputs = [numbers(4), numbers(2), numbers(2)] as const;
        const run = (kind: PackAttention | VarlenAttention) => {
          const leaves = inputs.map((values) =>
            toDevice(floats(values, [T, values.length / T / 8, 8]), DEVICE).requiresGrad(),
          );
          const out = kind.attend(0, leaves[0]!, leaves[1]!, leaves[2]!);
          const gradient = numbers(4).map((_, i) => Math.sin(i));
          out.backward(toDevice(floats(gradient, [T, 32]), DEVICE));
          return [out, ...leaves.map((leaf) => leaf.grad()!)].map((tensor) => tensor.toFloats());
        };
        const wanted = run(new PackAttention(trees));
        const got = run(new VarlenAttention(trees, undefined, referenceKernel));
        for (const [i, values] of got.entries())
          for (const [j, value] of values.entries()) expect(value).toBeCloseTo(wanted[i]![j]!, 5);
      });
    }),
    { numRuns: 40, seed: 3 },
  );
});

test("a prompt read in pieces attends as one read at once, by either kernel, and leaves the same keys", () => {
  const shape = { layers: 1, heads: 4, kvHeads: 2, headWidth: 8 } as ModelShape;
  // The second of three prompts, in three pieces.
  const [lengths, pieces] = [
    [3, 11, 5],
    [4, 1, 6],
  ] as const;
  tidy(() => {
    const random = stream(5, "pieces");
    const inputs = [4, 2, 2].map((heads) =>
      toDevice(
        floats(
          Array.from({ length: 11 * heads * 8 }, () => 2 * random.float() - 1),
          [11, heads, 8],
        ),
        DEVICE,
      ),
    );
    const run = (kind: "pack" | "varlen", pieces: readonly number[]) => {
      const cache = new KVCache(shape, lengths, 4, "float32", DEVICE);
      let before = 0;
      const outs = pieces.map((root) => {
        const [trees, store] = [[{ root, branches: [] }], { cache, first: 1, before }];
        const attention =
          kind === "pack" ? new PackAttention(trees, store) : new VarlenAttention(trees, store, referenceKernel);
        const [q, k, v] = inputs.map((x) => narrow(x, 0, before, root));
        before += root;
        return attention.attend(0, q!, k!, v!);
      });
      const { k, v } = cache.stored(0, 1, 11);
      const values = [cat(outs, 0), k, v].map((tensor) => reshape(tensor, [-1]).toFloats());
      cache.dispose();
      return values;
    };
    const whole = run("pack", [11]);
    for (const kind of ["pack", "varlen"] as const)
      for (const [i, values] of run(kind, pieces).entries())
        for (const [j, value] of values.entries()) expect(value).toBeCloseTo(whole[i]![j]!, 5);
  });
});
