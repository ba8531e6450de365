import { describe, expect, test } from "vitest";
import { choose, type Filter } from "./choose-files.ts";

const paths = [
  ".gitattributes",
  "README.md",
  "chat_template.jinja",
  "config.json",
  "merges.txt",
  "model-00001-of-00002.safetensors",
  "model-00002-of-00002.safetensors",
  "modeling_internvl.py",
  "onnx/config.json",
  "pytorch_model.bin",
  "tokenizer.model",
  "training_args.bin",
];
const files = paths.map((path) => ({ path, size: 1, etag: "" }));
const chosen = (filter: Filter) => choose(files, filter).chosen.map(({ path }) => path);

test("by default, what makes a checkpoint folder comes", () => {
  expect(chosen({})).toEqual([
    "chat_template.jinja",
    "config.json",
    "merges.txt",
    "model-00001-of-00002.safetensors",
    "model-00002-of-00002.safetensors",
    "tokenizer.model",
  ]);
});

test.each<[Filter, string[]]>([
  [{ include: ["*.json"] }, ["config.json", "onnx/config.json"]],
  [{ include: ["model-0000[13]*"] }, ["model-00001-of-00002.safetensors"]],
  [{ include: ["model-0000[!1]*"] }, ["model-00002-of-00002.safetensors"]],
  [{ include: ["README.m?", "onnx/*"] }, ["README.md", "onnx/config.json"]],
  [{ include: ["*.json"], exclude: ["onnx/*"] }, ["config.json"]],
  [{ exclude: ["*.safetensors", "*.txt"] }, ["chat_template.jinja", "config.json", "tokenizer.model"]],
])("patterns are read as hf download reads them: %o", (filter, wanted) => {
  expect(chosen(filter)).toEqual(wanted);
});

test("pickles and code never come, and are named when they were asked for", () => {
  const { chosen, refused } = choose(files, { include: ["*"] });
  expect(refused.map(({ path }) => path)).toEqual(["modeling_internvl.py", "pytorch_model.bin", "training_args.bin"]);
  expect(chosen).toHaveLength(paths.length - 3);
});

describe("nothing to fetch", () => {
  test("is told with what there is", () => {
    expect(() => choose(files, { include: ["*.gguf"] })).toThrow(
      /^No file matches\.\n {2}There are \.gitattributes, README/,
    );
    expect(() => choose(files, { include: ["*.py"] })).toThrow(
      /never fetched, as it can run code: modeling_internvl\.py/,
    );
  });

  test("but pickles for weights is told as that", () => {
    const old = files.filter(({ path }) => !path.endsWith(".safetensors"));
    expect(() => choose(old, {})).toThrow(/^The weights are pickles \(pytorch_model\.bin, training_args\.bin\)/);
  });
});
