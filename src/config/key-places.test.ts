/** @file Errors about a recipe's keys that come long after it was read still say where they were written. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkpointDir, grit, writeImage, writeLines } from "../../test/commands.ts";
import { scratchPlaces } from "../../test/tiny.ts";
import { Interrupted, OutOfMemory, UserError } from "../util/errors.ts";
import { errorOf, failureOf } from "../util/failure.ts";
import { about, inSection, placing, remember } from "./key-places.ts";

const recipe = {};
remember(recipe, (key) => `recipe.yaml:${key.length}`);
const ending = (error: Error) => () => {
  throw error;
};

describe("an error of a recipe", () => {
  it("says where the key is written that it names, also one of a section, and from another thread", async () => {
    const crossed = errorOf(failureOf(new UserError("device: cuda:0 is gone.", "Write cpu.", "device")));
    const told = placing(recipe, () => about("model", ending(crossed)));
    await expect(told).rejects.toThrow(/^recipe\.yaml:6: device: cuda:0 is gone\.\n {2}Write cpu\.$/);
    const judge = placing(recipe, () =>
      inSection("judge", ending(new UserError("No key.", undefined, "openai.key_env"))),
    );
    await expect(judge).rejects.toThrow(/^recipe\.yaml:20: judge\.openai\.key_env: No key\.$/);
    await expect(placing(recipe, () => inSection("judge", ending(new UserError("No."))))).rejects.toThrow(
      /:5: judge: No\./,
    );
  });

  it("stays as it is where it is about no key, or the value was read from no file", async () => {
    await expect(placing(recipe, ending(new UserError("Bad line.")))).rejects.toThrow(/^Bad line\.$/);
    await expect(placing({}, ending(new UserError("x", "y", "device")))).rejects.toThrow(/^x\n/);
    await expect(placing(recipe, () => about("model", ending(new Interrupted("i"))))).rejects.toThrow(/^i$/);
    await expect(placing(recipe, () => about("model", ending(new OutOfMemory("m"))))).rejects.toThrow(/^m$/);
  });
});

describe("a command", () => {
  const place = scratchPlaces();
  const dir = join(place(), "..");

  it.each([
    [
      "train",
      "rewards: { custom: [gone.mjs] }",
      /recipe\.yaml:4: rewards\.custom\.0: .*gone\.mjs: no such reward module/,
    ],
    ["train", "model: gone/at/all", /recipe\.yaml:4: model: there is no folder .*gone\/at\/all/],
    ["check", "model: data.jsonl", /recipe\.yaml:4: model: .*data\.jsonl/],
    ["train --plan", "model: .", /recipe\.yaml:4: model: .*config\.json cannot be read/],
    ["pretrain", "model: gone/at/all", /recipe\.yaml:4: model: no such folder: .*gone/],
    ["train", "rewards: { custom: [none.mjs] }", /recipe\.yaml:4: rewards\.custom\.0: .*none\.mjs: exports no reward/],
    ["train", "rewards: { custom: [two.mjs] }", /recipe\.yaml:4: rewards\.custom: two rewards are named "answer"/],
    ["check", "lora: { target_modules: [nope] }", /recipe\.yaml:4: lora\.target_modules: nope names no linear layer/],
    ["check", "image: { max_tiles: 2 }", /recipe\.yaml:4: image\.max_tiles is set, but Qwen2\.5-VL has no such option/],
    ["train", "judge: { name: openai, openai: { key_env: GRIT_NONE } }", /recipe\.yaml:4: judge\.openai\.key_env: /],
    ["pretrain", "image: { max_tiles: 2 }", /recipe\.yaml:4: image\.max_tiles is set/],
  ])("of %s: %s", async (command, line, message) => {
    await writeImage(dir, "wide");
    writeLines(join(dir, "data.jsonl"), [{ image: "wide.png", question: "Is it?", answer: "yes", dataset: "vsr" }]);
    await writeFile(join(dir, "none.mjs"), "export default 3;");
    await writeFile(join(dir, "two.mjs"), 'export default { name: "answer", weight: 1, score: () => 1 };');
    const recipe = join(dir, "recipe.yaml");
    const own = line.startsWith("model:") ? "" : `model: ${checkpointDir("tied")}\n`;
    await writeFile(recipe, `data: { train: [data.jsonl] }\nsteps: 1\nprecision: float32\n${line}\n${own}`);
    const small = command === "pretrain" ? [] : ["group_size=2", "sampling.max_tokens=4", "prompts_per_step=1"];
    const out = command.startsWith("train") ? "--run" : "--out";
    const ran = await grit(...command.split(" "), recipe, ...small, out, place());
    expect(ran, ran.err).toMatchObject({ code: 2 });
    expect(ran.err).toMatch(message);
  });
});
