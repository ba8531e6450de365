import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import golden from "../../test/golden/text/text.json" with { type: "json" };
import { UserError } from "../util/errors.ts";
import { ChatTemplate, type Message, QWEN_VL_TEMPLATE } from "./template.ts";

const conversations = golden.conversations as unknown as Message[][];

function errorOf(work: () => unknown): Error {
  try {
    work();
  } catch (error) {
    return error as Error;
  }
  throw new Error("nothing was thrown");
}

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

  it.each([
    [
      "loops without end",
      "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
      /end within/,
    ],
    ["raises an error", "{{ raise_exception('no images') }}", /cannot be rendered: no images/],
    ["uses what is not there", "{{ tools.names() }}", /cannot be rendered: /],
    [
      "writes without measure",
      "{% set long = namespace(text='a') %}{% for i in range(25) %}{% set long.text = long.text ~ long.text %}{% endfor %}{{ long.text }}",
      /characters for a/,
    ],
    ["loses the question", "{{ messages[0].role }}", /does not write the question "What is left of it\?"/],
  ])("refuses a template that %s, saying which", (_, source, message) => {
    const template = new ChatTemplate(source, {}, "The template of the test");
    const refusal = errorOf(() => template.render([{ role: "user", content: "What is left of it?" }]));
    expect(refusal).toBeInstanceOf(UserError);
    expect(refusal.message).toMatch(message);
    expect(refusal.message).toMatch(/^The template of the test /);
  });

  it("takes a template that trims the question", () => {
    const template = new ChatTemplate("{{ messages[0].content | trim }}");
    expect(template.render([{ role: "user", content: "\n What? " }])).toBe("What?");
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
      expect(() => ChatTemplate.load(dir)).toThrow(`${path.join(dir, "chat_template.jinja")} cannot be parsed`);
      rmSync(path.join(dir, "chat_template.jinja"));
      write("chat_template.json", JSON.stringify({ chat_template: 5 }));
      expect(() => ChatTemplate.load(dir)).toThrow(`${path.join(dir, "chat_template.json")}: chat_template is neither`);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});

describe("range", () => {
  const rendered = (loop: string) =>
    new ChatTemplate(`${loop}{{ messages[0].content }}`).render([{ role: "user", content: "hi" }]);

  it.each([
    ["{% for i in range(3) %}{{ i }}{% endfor %}", "012"],
    ["{% for i in range(2, 5) %}{{ i }}{% endfor %}", "234"],
    ["{% for i in range(6, 0, -2) %}{{ i }}{% endfor %}", "642"],
    ["{% for i in range(5, 2) %}{{ i }}{% endfor %}", ""],
    ["{% set range = [7] %}{% for i in range %}{{ i }}{% endfor %}", "7"],
  ])("%s", (loop, wanted) => expect(rendered(loop)).toBe(`${wanted}hi`));

  it.each(["range(100001)", "range(10 ** 9)", "range(0, 5, 0)"])("%s is refused at once", (call) =>
    expect(() => rendered(`{% for i in ${call} %}{% endfor %}`)).toThrow(UserError),
  );
});
