import { totalmem } from "node:os";
import { expect, it } from "vitest";
import { deviceMemory } from "./device.ts";

it("the CPU offers what this process has and what nobody has, not all there is", () => {
  const offered = deviceMemory("cpu");
  expect(offered).toBeGreaterThan(process.memoryUsage.rss() / 2);
  expect(offered).toBeLessThan(totalmem());
});
