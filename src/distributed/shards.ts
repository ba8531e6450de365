/** @file Who owns which stretch of the trained parameters, where each process keeps only its part of what an update needs. */
import { byBudget } from "../util/arrays.ts";

/** A stretch of a parameter's elements, row-major, that one rank owns. */
export interface Shard {
  readonly name: string;
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
  readonly owner: number;
}

/** Elements that go over the wire at a time: 64 MB in float32. */
export const BUCKET = 2 ** 24;

/** Cuts parameters, laid end to end, into one part for each rank: as large as each other, to an element. */
export function shardsOf(sizes: readonly (readonly [name: string, elements: number])[], ranks: number): Shard[] {
  const total = sizes.reduce((sum, [, elements]) => sum + elements, 0);
  const shards: Shard[] = [];
  let [start, owner] = [0, 0];
  const endOf = (rank: number) => Math.floor((total * (rank + 1)) / ranks);
  for (const [name, elements] of sizes) {
    let from = 0;
    while (from < elements) {
      while (endOf(owner) <= start + from) owner++;
      const to = Math.min(elements, endOf(owner) - start);
      shards.push({ name, from, to, owner });
      from = to;
    }
    start += elements;
  }
  return shards;
}

/** Elements of a shard. */
export function sizeOfShard({ from, to }: Shard): number {
  return to - from;
}

/** Shards of one owner, in buckets of what goes over the wire at a time; a large one is cut. */
export function bucketsOf(shards: readonly Shard[]): Shard[][] {
  const pieces = shards.flatMap((shard) =>
    Array.from({ length: Math.ceil(sizeOfShard(shard) / BUCKET) }, (_, i) => {
      const from = shard.from + i * BUCKET;
      return { ...shard, from, to: Math.min(shard.to, from + BUCKET) };
    }),
  );
  return byBudget(pieces, sizeOfShard, BUCKET);
}
