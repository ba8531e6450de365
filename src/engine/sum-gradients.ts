/** @file The gradients of processes that train together, summed before an update. */
import type { ProcessGroup } from "../distributed/process-group.ts";
import { floats, mul, sum, toDevice } from "../torch/ops.ts";
import { type Tensor, tidy } from "../torch/tensor.ts";

/** What may be not finite in a loss. */
const LOSS_QUANTITIES = ["loss", "KL"] as const;
export type LossQuantity = (typeof LOSS_QUANTITIES)[number];

/**
 * Lets every process have the sum of all gradients at the leaves; one that has none for a leaf adds nothing to it. Gives what was
 * not finite in the losses of any of them.
 */
export function sumGradients(
  group: ProcessGroup,
  leaves: readonly Tensor[],
  unfit: ReadonlySet<LossQuantity>,
): LossQuantity[] {
  return tidy(() => {
    const has = (leaf: Tensor) => tidy(() => leaf.grad() !== undefined);
    const own = [...leaves.map(has), ...LOSS_QUANTITIES.map((quantity) => unfit.has(quantity))].map(Number);
    const anywhere = toDevice(floats(own, [own.length]), leaves[0]!.device);
    group.max_(anywhere);
    const flags = [...anywhere.toFloats()].map(Boolean);
    const moved = leaves.filter((_, i) => flags[i]);
    for (const leaf of moved) if (!has(leaf)) tidy(() => sum(mul(leaf, 0)).backward());
    group.sumAll_(moved.map((leaf) => leaf.grad()!));
    return LOSS_QUANTITIES.filter((_, i) => flags[leaves.length + i]);
  });
}
