import { describe, expect, it } from "vitest";
import { DEVICE } from "../../test/device.ts";
import { openTiny, TINIES } from "../../test/tiny.ts";
import type { ProcessGroup } from "../distributed/process-group.ts";
import { zeros } from "../torch/ops.ts";
import { disposeAll, keep, liveTensors } from "../torch/tensor.ts";
import { WholeMasters } from "./masters.ts";
import { Offloaded } from "./offload.ts";
import { AdamW } from "./optimizer.ts";
import { ShardedMasters } from "./sharded-masters.ts";

/** One of several processes, before they do anything together. */
const processOf = (rank: number, size: number) =>
  ({ world: { rank, size }, device: DEVICE }) as unknown as ProcessGroup;

/** The bytes that are held after some work, beyond those before. */
function bytesOf(work: () => unknown): number {
  const before = liveTensors().bytes;
  work();
  return liveTensors().bytes - before;
}

describe.each(TINIES)("of %s", (checkpoint) => {
  const { engine } = openTiny(checkpoint);
  const shapes = [...engine.model.parameterShapes()];
  engine.dispose();

  it.each([2, 3, 4])("each of %i processes holds its part of masters and moments, within 5 %%", (size) => {
    const whole = shapes.map(([name, shape]) => [name, keep(zeros(shape, "float32", DEVICE))] as const);
    const offloaded = new Offloaded(whole, "float32", DEVICE);
    const alone =
      bytesOf(() => new AdamW(new WholeMasters(whole))) +
      whole.reduce((sum, [, { shape }]) => sum + 4 * shape.reduce((a, b) => a * b, 1), 0);
    for (let rank = 0; rank < size; rank++) {
      let optimizer: AdamW | undefined;
      let masters: ShardedMasters | undefined;
      const held = bytesOf(() => {
        masters = new ShardedMasters(processOf(rank, size), whole, offloaded, false);
        optimizer = new AdamW(masters);
      });
      expect(Math.abs((held * size) / alone - 1)).toBeLessThan(0.05);
      optimizer!.dispose();
      disposeAll(masters!.own.map(({ tensor }) => tensor));
    }
    offloaded.dispose();
    disposeAll(whole.map(([, tensor]) => tensor));
  });
});
