import { existsSync, type StatsFs, statfsSync } from "node:fs";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { GRPO, STEP, scratchPlaces, toTrain, withTiny } from "../../test/tiny.ts";
import { UserError } from "../util/errors.ts";

vi.mock("node:fs", async (original) => {
  const fs = await original<typeof import("node:fs")>();
  return { ...fs, statfsSync: vi.fn(fs.statfsSync) };
});

const place = scratchPlaces();
/** A disk that has so many bytes free. */
const disk = (free: number) => vi.mocked(statfsSync).mockReturnValue({ bavail: free / 512, bsize: 512 } as StatsFs);

it("a checkpoint and an export that the disk has no room for are refused before they are begun", () =>
  withTiny("tied", {}, (engine, groups) => {
    engine.forwardBackward(toTrain(groups), GRPO);
    engine.step(STEP);
    const parameters = [...engine.describe().parameters.values()].reduce((sum, { total }) => sum + total, 0);
    // All of float32; the state holds two moments as well.
    for (const [write, bytes, what] of [
      [(dir: string) => engine.export(dir), 4 * parameters, "weights"],
      [(dir: string) => engine.save(dir), 12 * parameters, "training state"],
    ] as const) {
      const dir = join(place(), "new");
      disk(bytes - 512);
      expect(() => write(dir)).toThrow(UserError);
      expect(() => write(dir)).toThrow(`has no room for the ${what}: it takes ${(bytes / 1e6).toFixed(1)} MB`);
      expect(existsSync(join(dir, ".."))).toBe(false);
      disk(bytes);
      write(dir);
      expect(existsSync(dir)).toBe(true);
    }
  }));
