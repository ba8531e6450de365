/** @file The commands that are killed, and the inputs they share: each writes for a second or two. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { stream } from "../../src/util/random.ts";
import { SMALLEST, writeSmallData, writeSmallRecipe } from "../small-run.ts";
import type { Killable } from "./kills.ts";

const RESUMED = { goesOn: { file: "run/run.json", by: "--resume" }, results: ["run"] };
const ASKED = [
  "--model",
  SMALLEST,
  "--method",
  "direct",
  "--device",
  "cpu",
  "--precision",
  "float32",
  "--max-tokens",
  "6",
];

export const COMMANDS: readonly Killable[] = [
  { name: "train", argv: ["train", "DIR/recipe.yaml", "--run", "DIR/run"], ...RESUMED },
  {
    name: "train, LoRA",
    argv: ["train", "DIR/recipe.yaml", "lora={ rank: 2 }", "optimizer.lr=1e-2", "freeze=[]", "--run", "DIR/run"],
    ...RESUMED,
  },
  { name: "pretrain", argv: ["pretrain", "DIR/sft.yaml", "--out", "DIR/out"], results: ["out"] },
  {
    name: "eval",
    argv: ["eval", ...ASKED, "--data", "DIR/one.jsonl,DIR/two.jsonl,DIR/three.jsonl", "--out", "DIR/out"],
    results: ["out"],
  },
  {
    name: "generate",
    argv: ["generate", ...ASKED, "--data", "DIR/one.jsonl", "--out", "DIR/out.jsonl"],
    results: ["out.jsonl"],
  },
  {
    name: "judge",
    argv: ["judge", "--data", "DIR/answers.jsonl", "--judge", "DIR/judge.yaml", "--out", "DIR/out.jsonl"],
    results: ["out.jsonl"],
  },
  {
    name: "data import",
    argv: [
      ...["data", "import", "pope", "--annotations", "DIR/table.tsv", "--images", "DIR/images"],
      ...["--out", "DIR/out.jsonl", "--all"],
    ],
    results: ["out.jsonl", "images"],
  },
  { name: "export", argv: ["export", "--model", SMALLEST, "--verify", "--out", "DIR/out"], results: ["out"] },
];

/** Writes what the commands read. @param service the address of the judge */
export async function writeInputs(dir: string, service: string): Promise<void> {
  writeSmallRecipe(dir, [
    "data: { train: [train.jsonl], eval: { held: one.jsonl } }",
    "steps: 6",
    "prompts_per_step: 2",
    "optimizer: { lr: 1.0e-3 }",
    "freeze: [vision, connector]",
    "eval: { every: 3 }",
    "save: { every: 2, keep: 2 }",
  ]);
  for (const name of ["one", "two", "three"]) writeSmallData(dir, name, 8);
  const sft = [
    "data: { train: [train.jsonl] }",
    "steps: 6",
    "prompts_per_step: 2",
    "precision: float32",
    "device: cpu",
  ];
  writeFileSync(join(dir, "sft.yaml"), [`model: ${SMALLEST}`, ...sft].map((line) => `${line}\n`).join(""));
  const judge = `name: openai\nopenai: { base_url: ${service}, key_env: GRIT_TEST_KEY, cache: cache }\n`;
  writeFileSync(join(dir, "judge.yaml"), judge);
  const answers = Array.from({ length: 40 }, (_, i) => ({
    id: String(i),
    question: `Which is ${i}?`,
    answer: `${i}`,
    response: `${i % 3}`,
  }));
  writeFileSync(join(dir, "answers.jsonl"), answers.map((line) => `${JSON.stringify(line)}\n`).join(""));
  mkdirSync(join(dir, "images"));
  writeFileSync(join(dir, "table.tsv"), await table(60));
}

/** A table of POPE with an image of its own in each row. */
async function table(rows: number): Promise<string> {
  const random = stream(1, "kills", "images");
  const side = 48;
  const image = () =>
    sharp(Buffer.from(Array.from({ length: 3 * side * side }, () => random.int(0, 255))), {
      raw: { width: side, height: side, channels: 3 },
    });
  const lines = ["index\tcategory\tquestion\tanswer\timage"];
  for (let i = 0; i < rows; i++) {
    const base64 = (await image().png().toBuffer()).toString("base64");
    lines.push(`${i}\trandom\tIs there a dog?\tyes\t${base64}`);
  }
  return lines.map((line) => `${line}\n`).join("");
}
