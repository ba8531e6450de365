import { cpSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { grit, writeImage, writeLines } from "../../test/commands.ts";
import { DEVICE } from "../../test/device.ts";
import { loadGolden } from "../../test/golden/golden.ts";
import { scratchPlaces } from "../../test/tiny.ts";
import { liveTensors } from "../torch/tensor.ts";
import { UserError } from "../util/errors.ts";
import { LocalEngine } from "./local.ts";

const place = scratchPlaces();
type Json = Record<string, unknown>;
type Change = (json: Json) => void;

/** A copy of a checkpoint with one of its files changed. */
function edited(name: string, file: string, change: Change): string {
  const dir = place();
  cpSync(loadGolden(name).dir, dir, { recursive: true });
  const path = join(dir, file);
  const json = JSON.parse(readFileSync(path, "utf8")) as Json;
  change(json);
  writeFileSync(path, JSON.stringify(json));
  return dir;
}

const set =
  (values: Json): Change =>
  (json) =>
    void Object.assign(json, values);
const inside =
  (key: string, values: Json): Change =>
  (json) =>
    void Object.assign(json[key] as Json, values);

describe("a checkpoint whose files contradict each other is refused, naming files and values", () => {
  const [config, processor] = ["config.json", "processor_config.json"];
  const cases: [string, string, Change, RegExp][] = [
    [
      "qwen2_5_vl/tied",
      config,
      set({ image_token_id: 5 }),
      /the id of <\|image_pad\|>: config\.json says 5, but tokenizer\.json says 312/,
    ],
    [
      "qwen2_5_vl/tied",
      processor,
      inside("image_processor", { patch_size: 7 }),
      /patch_size: config\.json says 14, but processor_config\.json says 7/,
    ],
    [
      "qwen2_5_vl/released",
      "preprocessor_config.json",
      set({ merge_size: 1 }),
      /merge_size: config\.json says 2, but preprocessor_config\.json says 1/,
    ],
    [
      "qwen2_5_vl/tied",
      processor,
      inside("image_processor", { temporal_patch_size: 1 }),
      /temporal_patch_size: config\.json says 2, but processor_config\.json says 1/,
    ],
    [
      "internvl/tied",
      config,
      set({ image_token_id: 307 }),
      /the id of <IMG_CONTEXT>: config\.json says 307, but tokenizer\.json says 308/,
    ],
    [
      "internvl/tied",
      config,
      set({ image_seq_length: 9 }),
      /image_seq_length: config\.json says 9, but the size of tiles in processor_config\.json says 4/,
    ],
  ];
  it.each(cases)("%s, %s, case %#", (name, file, change, message) => {
    const dir = edited(name, file, change);
    const before = liveTensors();
    const open = () => new LocalEngine(dir, { device: DEVICE, precision: "float32" });
    expect(open).toThrow(UserError);
    expect(open).toThrow(message);
    expect(open).toThrow(`${dir} contradict each other`);
    expect(liveTensors()).toEqual(before);
  });

  it("all contradictions at once", () => {
    const dir = edited("qwen2_5_vl/tied", processor, inside("image_processor", { patch_size: 7 }));
    const path = join(dir, config);
    writeFileSync(path, readFileSync(path, "utf8").replace(/"image_token_id": \d+/, '"image_token_id": 5'));
    const open = () => new LocalEngine(dir, { device: DEVICE, precision: "float32" });
    expect(open).toThrow(/2 faults[\s\S]*the id of[\s\S]*patch_size/);
  });
});

it("grit train refuses it with exit code 2, and makes no run folder", async () => {
  const model = edited("qwen2_5_vl/tied", "config.json", set({ image_token_id: 5 }));
  const [run, recipe] = [place(), `${place()}.yaml`];
  const line = { image: await writeImage(dirname(recipe), "wide"), question: "Is it?", answer: "yes", dataset: "vsr" };
  const data = writeLines(`${place()}.jsonl`, [line]);
  writeFileSync(recipe, `model: ${model}\ndata: { train: [${data}] }\ndevice: ${DEVICE}\n`);
  expect(await grit("train", recipe, "--run", run)).toMatchObject({
    code: 2,
    err: expect.stringContaining("config.json says 5, but tokenizer.json says 312"),
  });
  expect(existsSync(run)).toBe(false);
});
