/**
 * @file Masters of which each process that trains has its part, with the moments of that part (ZeRO, stage 2): gradients are summed to
 * their owners, who update, and let all have the new weights in the type of the computation.
 */
import type { ProcessGroup } from "../distributed/process-group.ts";
import { type Shard, shardsOf } from "../distributed/shards.ts";
import { cast, cat, clone, copy_, mul, narrow, reshape, split, sum, toDevice, zeros } from "../torch/ops.ts";
import { keep, noGrad, type Tensor, tidy } from "../torch/tensor.ts";
import { byBudget } from "../util/arrays.ts";
import { type Master, type Masters, NO_GRADIENTS, placeNotFinite } from "./masters.ts";
import type { Offloaded } from "./offload.ts";

/** Elements that go over the wire at a time. */
const BUCKET = 2 ** 24;

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

  gradients(): Map<string, Tensor> {
    const names = [...this.#shapes.keys()];
    const has = (name: string) => tidy(() => this.#offloaded.leaf(name).grad() !== undefined);
    const anywhere = this.#group.anywhere(names.map(has));
    const moved = new Set(names.filter((_, i) => anywhere[i]));
    if (moved.size === 0) throw new Error(NO_GRADIENTS);
    // A process that has no gradient for a parameter adds nothing to that of the others.
    for (const name of moved) if (!has(name)) tidy(() => sum(mul(this.#offloaded.leaf(name), 0)).backward());
    const summed = new Map<string, Tensor>();
    const stretchOf = ({ name, from, to }: Shard) =>
      narrow(reshape(this.#offloaded.leaf(name).grad()!, [-1]), 0, from, to - from);
    this.#each(
      ({ name }) => moved.has(name),
      (shards, owner) => {
        const flat = cat(shards.map(stretchOf), 0);
        this.#group.reduce_(flat, owner);
        if (owner !== this.#group.world.rank) return;
        const parts = split(flat, shards.map(length), 0);
        for (const [i, { name }] of shards.entries()) summed.set(name, parts[i]!);
        return parts;
      },
    );
    return summed;
  }

  clearGradients(): void {
    for (const name of this.#shapes.keys()) this.#offloaded.leaf(name).clearGrad();
  }

  wholeNorm(own: number): number {
    return Math.sqrt(this.#group.total(own ** 2));
  }

  publish(): void {
    const { device, world } = this.#group;
    const masters = new Map(this.own.map(({ name, tensor }) => [name, tensor]));
    this.#each(
      () => true,
      (shards, owner) => {
        const { dtype } = this.#offloaded.copies.get(shards[0]!.name)!;
        const flat =
          owner === world.rank
            ? toDevice(
                cat(
                  shards.map(({ name }) => cast(masters.get(name)!, dtype)),
                  0,
                ),
                device,
              )
            : zeros([shards.reduce((total, shard) => total + length(shard), 0)], dtype, device);
        this.#group.broadcast_(flat, owner);
        const parts = split(flat, shards.map(length), 0);
        for (const [i, { name, from, to }] of shards.entries())
          copy_(narrow(reshape(this.#offloaded.copies.get(name)!, [-1]), 0, from, to - from), parts[i]!);
        return undefined;
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
              shard.owner === rank ? toDevice(clone(own!), device) : zeros([length(shard)], "float32", device);
            this.#group.broadcast_(part, shard.owner);
            return part;
          }),
        );
      return reshape(cat(parts, 0), this.#shapes.get(name)!);
    });
  }

  stretch(name: string, whole: Tensor): Tensor | undefined {
    const shard = this.#mine.get(name);
    return shard && narrow(reshape(whole, [-1]), 0, shard.from, length(shard));
  }

  /** Goes through the shards, owner by owner, a bucket at a time, in the same order in every process. */
  #each(
    which: (shard: Shard) => boolean,
    visit: (shards: readonly Shard[], owner: number) => Tensor[] | undefined,
  ): void {
    noGrad(() => {
      for (let owner = 0; owner < this.#group.world.size; owner++) {
        const shards = this.#shards.filter((shard) => shard.owner === owner && which(shard));
        for (const bucket of byBudget(shards, length, BUCKET)) tidy(() => visit(bucket, owner));
      }
    });
  }
}

function length({ from, to }: Shard): number {
  return to - from;
}

function count(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}
