/**
 * @file What the processes of one training do together over tensors: PyTorch's c10d, by Gloo on CPUs and NCCL on GPUs. All
 * processes make the same calls in the same order. It is used in the thread that computes.
 */
import { native } from "../torch/native.ts";
import { floats, toDevice } from "../torch/ops.ts";
import { type Tensor, tidy } from "../torch/tensor.ts";
import { messageOf, UserError } from "../util/errors.ts";
import type { Cancellable, Cancellation } from "../util/interruptible.ts";
import type { World } from "./ranks.ts";

/** Milliseconds of a wait, between which a signal is heard. */
const SLICE = 1_000;

export interface JoinOptions extends Cancellable<Cancellation> {
  /** Where this process's tensors are. */
  readonly device: string;
  /** Milliseconds for the others to come, and for what is then done together. */
  readonly timeout: number;
  /** Rank 0's, for all. */
  readonly announcement: string | undefined;
}

export class ProcessGroup {
  readonly world: World;
  /** Where its tensors are. */
  readonly device: string;

  private constructor(world: World, device: string) {
    this.world = world;
    this.device = device;
  }

  /**
   * Meets the other processes at the store that the world names. Gives what rank 0 announces, too.
   * @throws UserError when one does not come in time, or they cannot be connected; what the signal throws
   */
  static join(
    world: World,
    { device, timeout, announcement, signal }: JoinOptions,
  ): { readonly group: ProcessGroup; readonly announcement: string } {
    const { rank, size, address, port } = world;
    const end = performance.now() + timeout;
    const left = () => Math.ceil(Math.max(1, Math.min(SLICE, end - performance.now())));
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
      native.joinGroup(rank, size, world.local, device.startsWith("cuda"), timeout);
    } catch (error) {
      throw new UserError(`The processes cannot be connected: ${messageOf(error).split("\n")[0]}`, TOGETHER);
    }
    return { group: new ProcessGroup(world, device), announcement: wait("announcement")! };
  }

  /** Which of these flags are set in any process. */
  anywhere(flags: readonly boolean[]): boolean[] {
    return tidy(() => {
      const shared = toDevice(floats(flags.map(Number), [flags.length]), this.device);
      native.allReduce(shared.handle, "max");
      return Array.from(shared.toFloats(), Boolean);
    });
  }

  /** The sum of a number over all processes, in float32. */
  total(value: number): number {
    return tidy(() => {
      const shared = toDevice(floats([value], [1]), this.device);
      native.allReduce(shared.handle, "sum");
      return shared.item();
    });
  }

  /** Lets a tensor of rank `root` hold the sum over all processes; the others' values are spoilt. */
  reduce_(tensor: Tensor, root: number): void {
    native.reduce(tensor.handle, root);
  }

  /** Lets a tensor hold what it holds in rank `root`. */
  broadcast_(tensor: Tensor, root: number): void {
    native.broadcast(tensor.handle, root);
  }
}

const TOGETHER =
  "Start all processes, with the same MASTER_ADDR and MASTER_PORT, on machines that reach each other, or give them more time by --rank-timeout.";
