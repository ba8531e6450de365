/**
 * @file What the processes of one training do together over tensors: PyTorch's c10d, by Gloo on CPUs and NCCL on GPUs. All
 * processes make the same calls in the same order. It is used in the thread that computes.
 */
import { native } from "../torch/native.ts";
import { cat, copy_, reshape, split } from "../torch/ops.ts";
import { noGrad, type Tensor, tidy } from "../torch/tensor.ts";
import { byBudget } from "../util/arrays.ts";
import { messageOf, UserError } from "../util/errors.ts";
import type { Cancellable, Cancellation } from "../util/interruptible.ts";
import type { World } from "./world.ts";

/** Milliseconds of a wait, between which a signal is heard. */
const SLICE = 1_000;
/** Elements that go over the wire at a time. */
const BUCKET = 2 ** 24;

export interface JoinOptions extends Cancellable<Cancellation> {
  /** Whether tensors are on GPUs. */
  readonly cuda: boolean;
  /** Milliseconds for the others to come, and for what is then done together. */
  readonly timeout: number;
  /** Rank 0's, for all. */
  readonly announcement: string | undefined;
}

export class ProcessGroup {
  readonly world: World;

  private constructor(world: World) {
    this.world = world;
  }

  /**
   * Meets the other processes at the store that the world names. Gives what rank 0 announces, too.
   * @throws UserError when one does not come in time, or they cannot be connected; what the signal throws
   */
  static join(
    world: World,
    { cuda, timeout, announcement, signal }: JoinOptions,
  ): { readonly group: ProcessGroup; readonly announcement: string } {
    const { rank, size, address, port } = world;
    const end = performance.now() + timeout;
    const left = () => Math.max(1, Math.min(SLICE, end - performance.now()));
    const isLate = () => performance.now() >= end;
    const within = `within ${timeout / 1000} s`;
    for (;;) {
      signal?.throwIfAborted();
      try {
        native.openStore(address, port, rank === 0 && world.opensStore, `grit/${world.attempt}`, left());
        break;
      } catch (error) {
        const isServer = rank === 0 && world.opensStore;
        if (!isServer && !isLate()) continue;
        const [first] = messageOf(error).split("\n");
        throw new UserError(
          isServer
            ? `Rank 0 cannot open its store at port ${port}: ${first}`
            : `Rank ${rank} does not reach rank 0 at ${address}:${port} ${within}: ${first}`,
          isServer ? "Choose another MASTER_PORT." : TOGETHER,
        );
      }
    }
    const wait = (key: string): string | undefined => {
      for (;;) {
        signal?.throwIfAborted();
        const value = native.storeGet(key, left());
        if (value !== undefined || isLate()) return value;
      }
    };
    if (announcement !== undefined) native.storeSet("announcement", announcement);
    native.storeSet(`joined/${rank}`, "1");
    const missing = Array.from({ length: size }, (_, other) => other).filter((r) => wait(`joined/${r}`) === undefined);
    if (missing.length > 0) throw new UserError(`Rank ${missing.join(", ")} has not come ${within}.`, TOGETHER);
    try {
      native.joinGroup(rank, size, world.local, cuda, timeout);
    } catch (error) {
      throw new UserError(`The processes cannot be connected: ${messageOf(error).split("\n")[0]}`, TOGETHER);
    }
    return { group: new ProcessGroup(world), announcement: wait("announcement")! };
  }

  /** Lets a tensor hold the sum over all processes. */
  sum_(tensor: Tensor): void {
    native.allReduce(tensor.handle, "sum");
  }

  /** Lets a tensor hold the largest value, element by element, over all processes. */
  max_(tensor: Tensor): void {
    native.allReduce(tensor.handle, "max");
  }

  /** Lets tensors of one type and device hold the sums over all processes; they travel in buckets. */
  sumAll_(tensors: readonly Tensor[]): void {
    noGrad(() => {
      for (const bucket of byBudget(tensors, count, BUCKET))
        tidy(() => {
          const flat = cat(
            bucket.map((tensor) => reshape(tensor, [-1])),
            0,
          );
          this.sum_(flat);
          const parts = split(flat, bucket.map(count), 0);
          for (const [i, tensor] of bucket.entries()) copy_(tensor, reshape(parts[i]!, tensor.shape));
        });
    });
  }
}

const TOGETHER =
  "Start all processes, with the same MASTER_ADDR and MASTER_PORT, on machines that reach each other, or give them more time by --rank-timeout.";

function count({ shape }: Tensor): number {
  return shape.reduce((a, b) => a * b, 1);
}
