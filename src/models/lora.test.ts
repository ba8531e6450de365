import { describe, expect, it } from "vitest";
import { loadLora } from "../../test/golden/lora/golden.ts";
import { UserError } from "../util/errors.ts";
import { readModel } from "./architectures.ts";
import { chooseModules, linearModules, type Targets } from "./lora.ts";
import { parts } from "./model.ts";

const { base, targets } = loadLora();
const model = readModel(base);
const choose = (wanted: Targets, within: readonly (typeof parts)[number][] = parts) =>
  chooseModules(model, wanted, within, (module) => module);

describe("chooseModules", () => {
  it.each(
    targets.map(({ target_modules, modules }) => [JSON.stringify(target_modules), target_modules, modules] as const),
  )("%s: the modules that PEFT adapts", (_, wanted, modules) =>
    expect(choose(wanted).sort()).toEqual([...modules].sort()),
  );

  it("keeps to the parts asked for", () => {
    const chosen = choose("all-linear", ["language"]);
    expect(chosen).toContain("model.language_model.layers.1.mlp.down_proj");
    expect(chosen.filter((module) => !module.startsWith("model.language_model."))).toEqual([]);
  });

  it("refuses a name that no layer has, also beside one that some have", () => {
    for (const wanted of [["q_porj"], ["q_proj", "q_porj"]]) {
      expect(() => choose(wanted)).toThrow(UserError);
      expect(() => choose(wanted)).toThrow(/target_modules: q_porj names no linear layer.*\n.*Did you mean q_proj\?/);
    }
    expect(() => choose(["qkv"], ["language"])).toThrow(/qkv names no linear layer of lora.parts: language/);
    expect(() => choose("(q_proj")).toThrow(/is not a regular expression/);
  });

  it("embeddings, norms and convolutions have no adapter", () => {
    expect([...linearModules(model).keys()].filter((module) => /embed|norm|lm_head|ln_q/.test(module))).toEqual([]);
  });
});
