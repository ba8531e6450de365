/** @file Tests of what computes take their device from `device.ts`: one that names the CPU would stay there on a GPU too. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

/** What these test is the CPU itself. */
const OF_THE_CPU = ["src/engine/device.test.ts"];

test("no test of models, engine and training names the CPU where it means the device", () => {
  const files = ["src/models", "src/engine"].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => join(folder, name)),
  );
  const tests = [...files.filter((path) => path.endsWith(".test.ts")), "test/tiny.ts", "test/e2e/train.test.ts"];
  expect(tests.length).toBeGreaterThan(20);
  const naming = tests.filter((path) => /"cpu"|device: cpu/.test(readFileSync(path, "utf8")));
  expect(naming).toEqual(OF_THE_CPU);
});
