import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import golden from "../../test/golden/text/text.json" with { type: "json" };
import { ChatTemplate, type Message, QWEN_VL_TEMPLATE } from "./template.ts";

const conversations = golden.conversations as unknown as Message[][];

describe("ChatTemplate", () => {
  it.each([
    ["the tiny base's", QWEN_VL_TEMPLATE, golden.rendered],
    ["a counting", golden.counting_template, golden.counting_rendered],
  ])("renders %s template as Python does", (_, source, expected) => {
    const template = new ChatTemplate(source);
    conversations.forEach((messages, i) => {
      expect(template.render(messages, { generationPrompt: false })).toBe(expected[i]![0]);
      expect(template.render(messages)).toBe(expected[i]![1]);
    });
  });

  it("is found in each of a folder's places, in the library's order", () => {
    const dir = mkdtempSync(path.join(tmpdir(), "grit-template-"));
    const write = (name: string, text: string) => writeFileSync(path.join(dir, name), text);
    try {
      expect(() => ChatTemplate.load(dir)).toThrow(/no chat template/);
      const named = [
        { name: "other", template: "x" },
        { name: "default", template: "config{{ eos_token }}" },
      ];
      write("tokenizer_config.json", JSON.stringify({ chat_template: named, eos_token: { content: "<e>" } }));
      expect(ChatTemplate.load(dir).render([])).toBe("config<e>");
      write("chat_template.json", JSON.stringify({ chat_template: "json" }));
      expect(ChatTemplate.load(dir).render([])).toBe("json");
      write("chat_template.jinja", "jinja");
      expect(ChatTemplate.load(dir).render([])).toBe("jinja");
      write("chat_template.jinja", "{% if %}");
      expect(() => ChatTemplate.load(dir)).toThrow(/cannot be parsed/);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
