/** @file One of several processes that train together, whose others take part in everything and add nothing. */
import type { ProcessGroup } from "../src/distributed/process-group.ts";
import { DEVICE } from "./device.ts";

/** The process of a rank. `reduce_` hears of what is sent to an owner. */
export function processOf(
  rank: number,
  size: number,
  { device = DEVICE, ...more }: Partial<Pick<ProcessGroup, "device" | "anywhere" | "reduce_">> = {},
): ProcessGroup {
  const others = {
    world: { rank, size, localRank: 0 },
    anywhere: (flags: readonly boolean[]) => [...flags],
    total: (value: number) => value,
    reduce_: () => {},
    broadcast_: () => {},
  };
  return { ...others, device, ...more } as unknown as ProcessGroup;
}
