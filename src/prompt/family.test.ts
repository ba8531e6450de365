import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { goldenNames, loadGolden, syntheticRgb } from "../../test/golden/golden.ts";
import { Processor } from "./prompt.ts";

const names = goldenNames().filter((name) => name.startsWith("internvl/"));
const IMAGE_END = "</img>";

describe.each(names)("the processor of %s", (name) => {
  const golden = loadGolden(name);
  const processor = Processor.load(golden.dir);

  it("writes the reference's ids, one tile or several, one image or two or none", async () => {
    for (const { images, question, input_ids } of golden.prompts) {
      const pictures = images.map((image) => {
        const [width, height] = golden.image_sizes![image]!;
        return { width, height, rgb: syntheticRgb(width, height) };
      });
      expect((await processor.promptFrom({ images: pictures, text: question })).ids).toEqual(input_ids);
    }
  });

  it("masks what stands for pixels, and speaks of boxes in thousandths", () => {
    expect(processor.placeholderIds.toSorted()).toEqual(golden.masked_ids.toSorted());
    expect(processor.boxSpace).toBe("permille");
    expect(processor.endIds).toContain(processor.tokenizer.tokenId("<|im_end|>"));
  });

  it("cuts a conversation after the last image", () => {
    const { inputs } = golden.prompts.find(({ images }) => images.length === 2)!;
    const { head, rest } = processor.encodeConversation("Which one?", inputs);
    expect(head.at(-1)).toBe(processor.tokenizer.tokenId(IMAGE_END));
    expect(rest).not.toContain(processor.tokenizer.tokenId(IMAGE_END));
  });
});

describe("an original folder", () => {
  /** The text of a prompt by a copy of the folder with its config changed and files added. */
  function prompt(change: (config: Record<string, unknown>) => void, files: Record<string, string> = {}): string {
    const dir = mkdtempSync(path.join(tmpdir(), "grit-family-"));
    try {
      cpSync(loadGolden("internvl/original").dir, dir, { recursive: true });
      const config = JSON.parse(readFileSync(path.join(dir, "config.json"), "utf8"));
      change(config);
      writeFileSync(path.join(dir, "config.json"), JSON.stringify(config));
      for (const [file, text] of Object.entries(files)) writeFileSync(path.join(dir, file), text);
      const processor = Processor.load(dir);
      return processor.tokenizer.decode(processor.encodeConversation("Hi", []).rest, { skipSpecial: false });
    } finally {
      rmSync(dir, { recursive: true });
    }
  }

  it("asks in the conversation its config names, or by a template of its own", () => {
    expect(prompt(() => {})).toMatch(
      /^<\|im_start\|>system\n你是书生·万象.*<\|im_end\|>\n<\|im_start\|>user\nHi<\|im_end\|>/,
    );
    const own = "just {% for part in messages[0].content %}{{ part.text or '<IMG_CONTEXT>' }}{% endfor %}";
    expect(prompt(() => {}, { "chat_template.jinja": own })).toBe("just Hi");
  });

  it("is refused when it names another conversation, or another kind of model", () => {
    expect(() => prompt((config) => Object.assign(config, { template: "Hermes-2" }))).toThrow(/Hermes-2.*internvl2_5/);
    expect(() => prompt((config) => Object.assign(config, { model_type: "llama" }))).toThrow(/model type llama/);
  });
});
