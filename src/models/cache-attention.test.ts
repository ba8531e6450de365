import fc from "fast-check";
import { expect, test } from "vitest";
import { DEVICE } from "../../test/device.ts";
import { attention, cat, floats, type Lengths, narrow, reshape, toDevice, transpose, unsqueeze } from "../torch/ops.ts";
import { noGrad, type Tensor, tidy } from "../torch/tensor.ts";
import { type Random, stream } from "../util/random.ts";
import { CacheAttention } from "./attention.ts";
import { blockOf, KVCache } from "./kv-cache.ts";
import type { ModelShape } from "./model.ts";

const BLOCK = blockOf(DEVICE);
const shape = { layers: 1, heads: 6, kvHeads: 2, headWidth: 4 } as ModelShape;

/** What the flash kernel computes where every query of a sequence sees the first keys of its stretch. */
function referenceKernel(q: Tensor, k: Tensor, v: Tensor, queries: Lengths, keys: Lengths, seen?: Tensor): Tensor {
  const numbers = (x: Tensor) => Array.from(new Int32Array(x.toBytes().buffer));
  const [qEnds, kEnds, lengths] = [queries.ends, keys.ends, seen!].map(numbers) as [number[], number[], number[]];
  expect(qEnds.length).toBe(lengths.length + 1);
  expect([qEnds.at(-1), kEnds.at(-1)]).toEqual([q.size(0), k.size(0)]);
  const outs = lengths.map((length, i) => {
    expect(kEnds[i]! + length).toBeLessThanOrEqual((i + 1) * keys.longest);
    expect(qEnds[i + 1]! - qEnds[i]!).toBe(queries.longest);
    const heads = (x: Tensor, start: number, rows: number) => unsqueeze(transpose(narrow(x, 0, start, rows), 0, 1), 0);
    const out = attention(
      heads(q, qEnds[i]!, queries.longest),
      heads(k, kEnds[i]!, length),
      heads(v, kEnds[i]!, length),
    );
    return transpose(reshape(out, out.shape.slice(1)), 0, 1);
  });
  return cat(outs, 0);
}

/** Numbers for some heads of some rows. */
function drawn(random: Random, rows: number, heads: number): Tensor {
  const values = Float32Array.from({ length: rows * heads * shape.headWidth }, () => 2 * random.float() - 1);
  return toDevice(floats(values, [rows, heads, shape.headWidth]), DEVICE);
}

/** What some turns of some sequences attend to: after a while rows leave, then those of another cache join. */
function turns(
  isFlash: boolean,
  first: readonly number[],
  second: readonly number[],
  kept: readonly number[],
  seed: number,
) {
  const random = stream(seed, "cache");
  const open = (lengths: readonly number[]) => {
    const cache = new KVCache(shape, lengths, 3 * BLOCK, "float32", DEVICE, isFlash);
    const tokens = lengths.reduce((a, b) => a + b);
    cache.prefill(0, 0, lengths, drawn(random, tokens, 2), drawn(random, tokens, 2));
    return cache;
  };
  const out: number[][] = [];
  const write = (cache: KVCache, rows: number, count: number) => {
    const attending = new CacheAttention(cache, referenceKernel);
    for (let i = 0; i < count; i++)
      tidy(() => {
        cache.makeRoom();
        cache.advance();
        const [q, k, v] = [drawn(random, rows, 6), drawn(random, rows, 2), drawn(random, rows, 2)];
        out.push(Array.from(attending.attend(0, q, k, v).toFloats()));
      });
  };
  noGrad(() =>
    tidy(() => {
      const [cache, other] = [open(first), open(second)];
      write(cache, first.length, BLOCK - 2);
      cache.select(kept);
      write(cache, kept.length, 5);
      write(other, second.length, 2);
      cache.join(other);
      write(cache, kept.length + second.length, BLOCK);
      cache.dispose();
    }),
  );
  return out;
}

test("property: a turn attends alike by stretches and by a mask, whoever leaves and joins", () => {
  const lengths = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(lengths, lengths, fc.array(fc.nat(), { minLength: 1, maxLength: 4 }), fc.nat(), (a, b, rows, seed) => {
      const kept = rows.map((row) => row % a.length);
      const wanted = turns(false, a, b, kept, seed);
      for (const [t, values] of turns(true, a, b, kept, seed).entries())
        for (const [i, value] of values.entries()) expect(value).toBeCloseTo(wanted[t]![i]!, 5);
    }),
    { numRuns: 8, seed: 11 },
  );
});
