import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { stream } from "../../src/util/random.ts";
import { JudgeServer } from "../judge-server.ts";
import { scratch } from "../tiny.ts";
import { COMMANDS, writeInputs } from "./commands.ts";
import { Kills } from "./kills.ts";

/** `npm run test:kills` kills more. */
const KILLED = ["train", "eval", "data import"];

const dir = scratch();
const base = join(dir, "base");
const server = new JudgeServer();
beforeAll(async () => {
  process.env.GRIT_TEST_KEY = "secret-key";
  await server.start();
  mkdirSync(base);
  await writeInputs(base, server.url);
});
afterAll(async () => {
  await server.stop();
  delete process.env.GRIT_TEST_KEY;
});

it.each(KILLED)("%s, killed at a random moment and run again, ends as unbroken", async (name) => {
  const command = COMMANDS.find((each) => each.name === name)!;
  const { faults } = await new Kills(dir, base).try(command, stream(1, "kills", name));
  expect(faults).toEqual([]);
});
