/**
 * @file Masters of which each process that trains has its part, with the gradient and the moments of that part (ZeRO, stage 2): as a pass
 * goes backward, gradients are summed to their owners, who update, and let all have the new weights in the type of the computation.
 */
import type { ProcessGroup } from "../distributed/process-group.ts";
import { BUCKET, bucketsOf, type Shard, shardsOf, sizeOfShard } from "../distributed/shards.ts";
import { add_, cast, cat, clone, copy_, narrow, reshape, split, toDevice, zero_, zeros } from "../torch/ops.ts";
import { disposeAll, keep, noGrad, type Tensor, tidy } from "../torch/tensor.ts";
import { groupBy } from "../util/arrays.ts";
import {
  FailedElsewhere,
  type GradientPass,
  type Master,
  type Masters,
  NO_GRADIENTS,
  placeNotFinite,
} from "./masters.ts";
import type { Offloaded } from "./offload.ts";

/** A parameter, whole, in float32. */
type Parameter = readonly [name: string, tensor: Tensor];

export class ShardedMasters implements Masters {
  readonly own: readonly Master[];
  readonly rest: boolean;
  readonly writes: boolean;
  readonly #group: ProcessGroup;
  readonly #offloaded: Offloaded;
  readonly #shapes: ReadonlyMap<string, readonly number[]>;
  readonly #shards: readonly Shard[];
  /** The stretch of each parameter that is owned here. */
  readonly #mine: ReadonlyMap<string, Shard>;
  /** The sums of the gradients of those stretches, by parameter. */
  readonly #sums = new Map<string, Tensor>();
  /** Parameters for which this process had a gradient. */
  readonly #arrived = new Set<string>();

  /** Keeps this process's part of the parameters, in the host's memory if it `rests` there. `offloaded` is the device's side of them. */
  constructor(group: ProcessGroup, params: readonly Parameter[], offloaded: Offloaded, rests: boolean) {
    const { rank, size } = group.world;
    this.#group = group;
    this.#offloaded = offloaded;
    this.rest = rests;
    this.writes = rank === 0;
    this.#shapes = new Map(params.map(([name, { shape }]) => [name, shape]));
    this.#shards = shardsOf(
      params.map(([name, { shape }]) => [name, count(shape)]),
      size,
    );
    this.#mine = new Map(this.#shards.filter(({ owner }) => owner === rank).map((shard) => [shard.name, shard]));
    const place = rests ? "cpu" : group.device;
    const kept = (name: string, whole: Tensor) => keep(tidy(() => toDevice(clone(this.stretch(name, whole)!), place)));
    this.own = params.flatMap(([name, whole]) =>
      this.#mine.has(name) ? [{ name, tensor: noGrad(() => kept(name, whole)), decays: whole.shape.length > 1 }] : [],
    );
  }

  accumulate(names: readonly string[], passes: readonly GradientPass[]): void {
    const { blocks, others } = inBackwardOrder(names);
    // Room comes before anyone waits for anyone: a pass that uses up the memory can still be sent.
    let bucket: Tensor | undefined;
    let failure = failureOf(() => {
      this.#makeSums(names);
      bucket = this.#zeros(Math.min(BUCKET, Math.ceil(total(this.#shards) / this.#group.world.size)));
    });
    try {
      for (let i = 0; ; i++) {
        const [isMore, hasFailed] = this.#group.anywhere([i < passes.length, failure !== undefined]);
        if (hasFailed) throw failure ?? new FailedElsewhere();
        if (!isMore) return;
        const left = [...blocks];
        // A block belongs to one stage: where one of its gradients is, all are.
        const passed = () => {
          while (left[0]?.some((name) => this.#has(name))) this.#send(left.shift()!, bucket!);
        };
        failure = failureOf(() => passes[i]?.(passed));
        // The others wait for what was not sent. Where the pass has failed, all throw away what comes.
        for (const block of [...left, others]) this.#send(block, bucket!);
      }
    } finally {
      bucket?.dispose();
    }
  }

  gradients(): Map<string, Tensor> {
    const names = [...this.#shapes.keys()];
    const anywhere = this.#group.anywhere(names.map((name) => this.#arrived.has(name)));
    if (!anywhere.includes(true)) throw new Error(NO_GRADIENTS);
    return new Map(
      names.flatMap((name, i) => {
        const sum = this.#sums.get(name);
        return anywhere[i] && sum ? [[name, sum] as const] : [];
      }),
    );
  }

  clearGradients(): void {
    for (const name of this.#shapes.keys()) this.#offloaded.leaf(name).clearGrad();
    disposeAll([...this.#sums.values()]);
    this.#sums.clear();
    this.#arrived.clear();
  }

  wholeNorm(own: number): number {
    return Math.sqrt(this.#group.total(own ** 2));
  }

  publish(): void {
    const { device, world } = this.#group;
    const masters = new Map(this.own.map(({ name, tensor }) => [name, tensor]));
    const { dtype } = this.#offloaded.copies.values().next().value!;
    const own = (piece: Shard) => cast(this.#within(piece, masters.get(piece.name)!), dtype);
    this.#each(
      () => true,
      (pieces, owner) => {
        const flat =
          owner === world.rank ? toDevice(cat(pieces.map(own), 0), device) : zeros([total(pieces)], dtype, device);
        this.#group.broadcast_(flat, owner);
        const parts = split(flat, pieces.map(sizeOfShard), 0);
        for (const [i, piece] of pieces.entries())
          copy_(stretchOf(piece, this.#offloaded.copies.get(piece.name)!), parts[i]!);
      },
    );
  }

  firstNotFinite(): string | undefined {
    const names = [...this.#shapes.keys()];
    const own = this.own[placeNotFinite(this.own)]?.name;
    const spoilt = this.#group.anywhere(names.map((name) => name === own));
    return names[spoilt.indexOf(true)];
  }

  gathered(name: string, own: Tensor | undefined): Tensor {
    const { rank } = this.#group.world;
    const { device } = this.#group;
    return noGrad(() => {
      const parts = this.#shards
        .filter((shard) => shard.name === name)
        .map((shard) =>
          tidy(() => {
            const part =
              shard.owner === rank ? toDevice(clone(own!), device) : zeros([sizeOfShard(shard)], "float32", device);
            this.#group.broadcast_(part, shard.owner);
            return part;
          }),
        );
      return reshape(cat(parts, 0), this.#shapes.get(name)!);
    });
  }

  stretch(name: string, whole: Tensor): Tensor | undefined {
    const shard = this.#mine.get(name);
    return shard && stretchOf(shard, whole);
  }

  dispose(): void {
    disposeAll([...this.own.map(({ tensor }) => tensor), ...this.#sums.values()]);
  }

  /** Whether a gradient has arrived that was not sent. */
  #has(name: string): boolean {
    return tidy(() => this.#offloaded.leaf(name).grad() !== undefined);
  }

  #makeSums(names: readonly string[]): void {
    for (const name of names) {
      const shard = this.#mine.get(name);
      if (shard && !this.#sums.has(name)) this.#sums.set(name, this.#zeros(sizeOfShard(shard)));
    }
  }

  #zeros(elements: number): Tensor {
    return keep(zeros([elements], "float32", this.#group.device));
  }

  /** Adds the gradients of parameters, of which some processes may have none, to those of their owners, and frees them. */
  #send(names: readonly string[], bucket: Tensor): void {
    const sent = new Set(names);
    for (const name of names) if (this.#has(name)) this.#arrived.add(name);
    this.#each(
      ({ name }) => sent.has(name),
      (pieces, owner) => {
        const flat = narrow(bucket, 0, 0, total(pieces));
        const parts = split(flat, pieces.map(sizeOfShard), 0);
        for (const [i, piece] of pieces.entries()) {
          const gradient = this.#offloaded.leaf(piece.name).grad();
          if (gradient) copy_(parts[i]!, stretchOf(piece, gradient));
          else zero_(parts[i]!);
        }
        this.#group.reduce_(flat, owner);
        if (owner !== this.#group.world.rank) return;
        for (const [i, piece] of pieces.entries()) add_(this.#within(piece, this.#sums.get(piece.name)!), parts[i]!);
      },
    );
    for (const name of names) this.#offloaded.leaf(name).clearGrad();
  }

  /** A piece of the stretch of its parameter that is owned here. */
  #within({ name, from, to }: Shard, own: Tensor): Tensor {
    return narrow(own, 0, from - this.#mine.get(name)!.from, to - from);
  }

  /** Goes through the shards, owner by owner, a bucket at a time, in the same order in every process. */
  #each(which: (shard: Shard) => boolean, visit: (pieces: readonly Shard[], owner: number) => void): void {
    noGrad(() => {
      for (let owner = 0; owner < this.#group.world.size; owner++) {
        const shards = this.#shards.filter((shard) => shard.owner === owner && which(shard));
        for (const bucket of bucketsOf(shards)) tidy(() => visit(bucket, owner));
      }
    });
  }
}

/** What is thrown, if anything. */
function failureOf(work: () => void): unknown {
  try {
    work();
    return undefined;
  } catch (error) {
    return error;
  }
}

/** Parameters in the order in which a pass backward is done with them: numbered blocks, the last one first; all others at its end. */
function inBackwardOrder(names: readonly string[]): { readonly blocks: string[][]; readonly others: string[] } {
  const blockOf = (name: string) => /^.*?\.\d+(?=\.)/.exec(name)?.[0];
  return {
    blocks: groupBy(names.filter(blockOf), (name) => blockOf(name)!).reverse(),
    others: names.filter((name) => !blockOf(name)),
  };
}

/** A stretch of the elements of a parameter, or of its gradient. */
function stretchOf({ from, to }: Shard, whole: Tensor): Tensor {
  return narrow(reshape(whole, [-1]), 0, from, to - from);
}

function total(shards: readonly Shard[]): number {
  return shards.reduce((sum, shard) => sum + sizeOfShard(shard), 0);
}

function count(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}
