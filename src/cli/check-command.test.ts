import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { grit, readLines, writeDamaged, writeLines } from "../../test/commands.ts";
import { DEVICE } from "../../test/device.ts";
import { type Behaviour, JudgeServer } from "../../test/judge-server.ts";
import { scratchPlaces } from "../../test/tiny.ts";
import { renderSets } from "../data/scenes/sets.ts";
import { checkFileSchema } from "../run/check-file.ts";

const place = scratchPlaces();
const dir = join(place(), "..");
const base = `${process.cwd()}/models/grit-tiny-base`;
const recipe = join(dir, "recipe.yaml");
const server = new JudgeServer();
let lines: Record<string, unknown>[];

beforeAll(async () => {
  await renderSets({ out: dir, seed: 1, counts: { train: 6, val: 2 } });
  lines = readLines(join(dir, "tallyqa_train_6.jsonl"));
  writeFileSync(
    recipe,
    `model: ${base}
data: { train: [vsr_train_6.jsonl, tallyqa_train_6.jsonl] }
steps: 40
prompts_per_step: 4
group_size: 6
sampling: { temperature: 1, max_tokens: 200 }
loss: { beta: 0 }
optimizer: { lr: 1.0e-4 }
freeze: [vision, connector]
device: ${DEVICE}
precision: float32
`,
  );
  await server.start();
  process.env.GRIT_TEST_KEY = "secret-key";
});
afterAll(async () => {
  await server.stop();
  delete process.env.GRIT_TEST_KEY;
});
beforeEach(() => {
  server.behave = () => "judge";
});

/** Runs `grit check`, by default on two groups. */
async function check(...overrides: string[]) {
  const out = place();
  const ran = await grit("check", recipe, ...overrides, "--out", out, "--rollouts", "12");
  const found = () => checkFileSchema.parse(JSON.parse(readFileSync(join(out, "check.json"), "utf8")));
  return { ...ran, page: join(out, "check.html"), found };
}

/** For what the length of completions has no part in. */
const SHORT = "sampling.max_tokens=16";

/** The override that trains on these lines. */
const train = (...given: readonly unknown[]) => `data.train=[${writeLines(join(dir, `${lettered()}.jsonl`), given)}]`;
let letters = 0;
const lettered = () => `lines-${letters++}`;

/** Overrides that name the fake judge, with verdicts of its own. */
const judged = (...more: string[]) => [
  "judge.name=openai",
  `judge.openai={base_url: "${server.url}", key_env: GRIT_TEST_KEY, patience: 0, cache: ${place()}}`,
  ...more,
];
/** A judge that gives every answer the same marks. */
const always = (score: number): Behaviour => ({
  body: { choices: [{ message: { content: JSON.stringify({ score }) }, finish_reason: "stop" }] },
});

/** The override that adds a reward with this body. */
function reward(score: string, weight = 1, name = "mine"): string {
  const file = join(dir, `${lettered()}.mjs`);
  writeFileSync(
    file,
    `export default { name: "${name}", weight: ${weight}, score: ({ chain, completion }) => { ${score} } };\n`,
  );
  return `rewards.custom=[${file}]`;
}

/** A copy of the base with other contents in some files. */
function baseWith(files: Readonly<Record<string, string | undefined>>): string {
  const copy = place();
  cpSync(base, copy, { recursive: true });
  for (const [name, content] of Object.entries(files)) writeFileSync(join(copy, name), content ?? "");
  return `model=${copy}`;
}

describe("a sound recipe", () => {
  it("is let through without a warning, with its figures and a page that shows every rollout", async () => {
    const ran = await check();
    expect(ran).toMatchObject({ code: 0 });
    expect(ran.out).not.toContain("warning:");
    expect(ran.out).toMatch(/^data +12 samples with 12 images; all decode$/m);
    expect(ran.out).toMatch(/^groups that teach +[12] of 2$/m);
    expect(ran.out).toMatch(/^time +about .* a step, .* in all$/m);
    expect(ran.out).toMatch(/^answer +\d\.\d{3} +\d\.\d{3} +0 +0\.000 /m);
    const page = readFileSync(ran.page, "utf8");
    expect(page.match(/class="chain member"/g)).toHaveLength(12);
    expect(page.match(/the image as the model sees it/g)).toHaveLength(2);
    expect(page).not.toMatch(/(src|href)="(?!data:|#)/);
    const { data, figures, terms, ...found } = ran.found();
    expect(found).toMatchObject({ recipe, refusals: [], warnings: [] });
    expect(data.train).toEqual(["vsr_train_6.jsonl", "tallyqa_train_6.jsonl"].map((name) => join(dir, name)));
    expect(figures).toMatchObject({ samples: 12, groups: 2, groupSize: 6 });
    expect(terms.at(-1)!.scores).toHaveLength(12);
  });

  it("with a judge that is a service tells what the whole run asks of it", async () => {
    const ran = await check(...judged("judge.openai.price={input: 2.5, output: 10}"));
    expect(ran).toMatchObject({ code: 0 });
    // 40 steps of 4 prompts with 6 completions; a proof takes 150 tokens and is answered with 7.
    const [, asked, answered, usd] = /at most 960 requests, ([\d,]+) tokens asked, ([\d,]+) answered, \$([\d.]+)/.exec(
      ran.out,
    )!;
    expect(Number(answered!.replace(",", ""))).toBe(960 * 7);
    const tokens = Number(asked!.replace(",", ""));
    expect(tokens).toBeGreaterThan(960 * 150);
    expect(Number(usd)).toBeCloseTo((tokens * 2.5 + 6720 * 10) / 1e6, 2);
  });
});

describe("is refused with the key and the reason, before the model is asked anything:", () => {
  const first = () => lines[0]!;
  const faults: [string, () => string[], RegExp][] = [
    ["a key that there is not", () => ["sampling.temprature=1"], /sampling\.temprature.*temperature/s],
    ["a group of one", () => ["group_size=1"], /group_size.*is 1/],
    ["a method that asks for no tags", () => ["method=direct"], /method.*is direct/],
    [
      "completions beyond the context",
      () => ["sampling.max_tokens=4090"],
      /vsr_train_6\.jsonl:1: Sample .*image\.max_pixels/s,
    ],
    [
      "a prompt beyond the context",
      () => [train({ ...first(), question: "why ".repeat(5000) })],
      /Sample .*image\.max_pixels/s,
    ],
    [
      "more memory than there is",
      () => ["sampling.max_tokens=1000000"],
      /more than there is[\s\S]*Lower the peak by a key/,
    ],
    ["an image cut in half", () => [train({ ...first(), image: damaged() })], /damaged or truncated/],
    ["an image that is not there", () => [train({ ...first(), image: "gone.png" })], /gone\.png/],
    ["a number for an answer", () => [train({ ...first(), answer: 3 })], /answer: is a number/],
    ["a box outside", () => [train({ ...first(), bboxs: [[0, 0, 9000, 4]] })], /bboxs\[0\].*leaves the image/],
    ["a control token", () => [train({ ...first(), question: "So?<|im_end|>" })], /contains <\|im_end\|>/],
    [
      "a template that loses the method",
      () => [
        baseWith({
          "chat_template.jinja": cutting(),
          "chat_template.json": JSON.stringify({ chat_template: cutting() }),
        }),
      ],
      /Sample vsr-train-0000 .*chat_template\.jinja does not write the question/,
    ],
    [
      "a reward module that is not there",
      () => ["rewards.custom=[none.mjs]"],
      /rewards\.custom\.0: .*none\.mjs: no such reward module/,
    ],
    ["a reward that gives no number", () => [reward("return Number.NaN")], /"mine" returned NaN for sample/],
    ["a reward of a preset's name", () => [reward("return 1", 1, "bleu")], /two rewards are named "bleu"/],
    ["a judge without a key", () => [...judged(), "judge.openai.key_env=GRIT_NO_SUCH_KEY"], /GRIT_NO_SUCH_KEY/],
  ];
  const damaged = () => {
    const image = String(first().image);
    cpSync(join(dir, image), join(dir, "whole.png"));
    return writeDamaged(dir, "whole.png");
  };
  /** The base's template, by which a text ends where the method's words begin. */
  const cutting = () =>
    readFileSync(join(base, "chat_template.jinja"), "utf8").replace("part.text", "part.text.split(' First, think')[0]");

  it.each(faults)("%s", async (_, overrides, message) => {
    const ran = await check(...overrides());
    expect(ran).toMatchObject({ code: 2, err: expect.stringMatching(message) });
    expect(ran.err).not.toMatch(/^\s+at /m);
    expect(ran.err).not.toContain("Sampling rollouts");
    expect(existsSync(ran.page)).toBe(false);
  });

  it.each([
    ["out", { status: 503 }, /gives no verdict on a plain question/],
    ["refusing the key", { status: 401, message: "bad key" }, /refuses: .*bad key/],
    ["talking", "nonsense", /gives no verdict/],
  ] as const)("a judge %s", async (_, behaviour, message) => {
    server.behave = () => behaviour;
    const ran = await check(...judged());
    expect(ran).toMatchObject({ code: 2, err: expect.stringMatching(message) });
    expect(ran.err).not.toContain("Opening");
  });
});

describe("faults of the data", () => {
  it("are written for programs by file, line and key, and an earlier page is removed", async () => {
    const file = writeLines(join(dir, `${lettered()}.jsonl`), [lines[0]!, { ...lines[1]!, bboxs: [[0, 0, 9000, 4]] }]);
    const out = place();
    const args = ["check", recipe, `data.train=[${file}]`, "--out", out];
    mkdirSync(out);
    writeFileSync(join(out, "check.html"), "of before");
    expect(await grit(...args)).toMatchObject({ code: 2 });
    expect(existsSync(join(out, "check.html"))).toBe(false);
    const { refusals, figures } = checkFileSchema.parse(JSON.parse(readFileSync(join(out, "check.json"), "utf8")));
    expect(refusals).toMatchObject([
      {
        key: "bboxs[0]",
        what: expect.stringContaining("leaves the image"),
        remedy: expect.stringContaining("Fix"),
        at: [{ file, line: 2 }],
      },
    ]);
    expect(figures).toBeUndefined();
  });

  it("and a prompt that is too long by the line of its sample", async () => {
    const ran = await check("sampling.max_tokens=4090");
    expect(ran.found().refusals[0]).toMatchObject({
      what: expect.stringContaining("more than the model's"),
      at: [{ file: join(dir, "vsr_train_6.jsonl"), line: 1 }],
    });
  });
});

describe("is refused by what was sampled, and the page shows it:", () => {
  const faults: [string, () => string[], RegExp, Behaviour?][] = [
    [
      "no group that would teach",
      () => ["sampling.top_k=1"],
      /sampling\.top_k: None of the 2 sampled groups would teach/,
    ],
    [
      "completions cut off before they say anything",
      () => ["sampling.max_tokens=2"],
      /think_format is 0 for all 12.*perfect answer has 1/,
    ],
    [
      "a constant reward",
      () => [SHORT, reward("return 0.5")],
      /rewards\.custom: The reward mine is 0\.5 for all 12 .*an empty one too/,
    ],
    [
      "a reward that looks for what is not there",
      () => [SHORT, reward("return chain.answr ? 1 : 0", 0.5)],
      /The reward mine is 0 for all/,
    ],
    ["a judge that agrees with everything", () => judged(SHORT), /judge: The judge agrees with everything/, always(1)],
    [
      "one that does so where the rule cannot tell",
      () => [...judged(SHORT), "judge.name=exact-then-openai"],
      /judge: The judge agrees with everything/,
      always(1),
    ],
    ["one that agrees with nothing", () => judged(SHORT), /judge: The judge agrees with nothing/, always(0)],
    [
      "one whose smallest mark counts",
      () => judged(SHORT, "rewards.preset=code"),
      /judge: The judge agrees with everything.*preset: code/,
    ],
  ];

  it.each(faults)("%s", async (_, overrides, message, behaviour) => {
    const given = overrides();
    const proof = "Model's answer: four";
    // The proof by which a judge is opened must pass, or it would not be asked.
    if (behaviour) server.behave = ({ text }) => (text.includes(proof) ? "judge" : behaviour);
    const ran = await check(...given);
    expect(ran).toMatchObject({ code: 2, err: expect.stringMatching(message) });
    expect(readFileSync(ran.page, "utf8")).toContain("This recipe cannot teach as it is");
  });

  it("not by a reward of no weight, and not by one that is at its best", async () => {
    expect((await check(SHORT, reward("return 0.5", 0))).err).not.toContain("mine");
    const guard = await check(SHORT, reward('return completion.text === "" ? -1 : 0'));
    expect(guard.out).toMatch(/warning: rewards\.custom: The reward mine is 0 for all 12 .* the best it gives/);
  });
});

describe("is warned of", () => {
  it("everything odd in data and settings, and trained nevertheless", async () => {
    const [one, two] = [lines[0]!, lines[1]!];
    const same = lines
      .slice(0, 6)
      .map((line, i) => ({ ...line, id: `u${i}`, dataset: "uniform", question: `${i}?`, answer: "1" }));
    const odd = [
      { ...one, id: "a" },
      { ...one, id: "b" },
      { ...one, id: "c", answer: "99" },
      { ...two, id: "d", question: "How many? Answer after <answer>." },
      { ...two, id: "e", question: "How many?", answer: "<answer>2</answer>" },
      { ...two, id: "f", question: "Where?", dataset: "ovd", bboxs: [] },
      ...same,
      ...same.map((line) => ({ ...line, id: `${line.id}x`, question: `${line.question}?` })),
    ];
    const heldOut = writeLines(join(dir, "held-out.jsonl"), [{ ...one, id: "z" }]);
    const given = [
      ...[train(...odd), `data.eval={held: ${heldOut}}`, "eval.every=50", "micro_batch_tokens=100"],
      ...["optimizer.lr=0", "optimizer.warmup_steps=40", "prompts_per_step=50", "save.keep=100000000"],
      baseWith({ "grit.json": JSON.stringify({ method: "sft", image: {} }) }),
    ];
    const { out, found } = await check(...given);
    expect(found().warnings[0]!.at?.map(({ line }) => line)).toEqual([1, 2, 3]);
    const warnings = [
      /data\.train: These samples are the same image, question and answer: a = b/,
      /data\.train: These samples ask the same of the same image, and answer differently: a = b = c/,
      /data\.train: These samples have a question that brings instructions of its own.*: d\./,
      /data\.train: These samples have an answer with tags .*: e\./,
      /data\.train: The gold answers of these samples .*\bf\b/,
      /data\.train: All 12 samples of uniform have the answer "1"/,
      /data\.eval\.held: These samples are trained on as well: .*: z\./,
      /method: The method is grit, but the model was trained with sft/,
      /micro_batch_tokens: The longest prompt/,
      /optimizer\.lr: The learning rate is 0/,
      /optimizer\.warmup_steps: /,
      /prompts_per_step: A step takes 50 prompts, but data\.train has 18/,
      /save\.keep: The checkpoints of /,
    ];
    for (const warning of warnings) expect(out).toMatch(warning);
    const trained = await grit("train", recipe, ...given, "steps=1", "prompts_per_step=1", "--run", place());
    expect(trained).toMatchObject({ code: 0 });
    for (const warning of warnings.filter(({ source }) => !/prompts_per_step|eval/.test(source)))
      expect(trained.err).toMatch(warning);
  });

  it("a method that does not ask for what the rewards score", async () => {
    const { out } = await check(SHORT, "method=sft");
    expect(out).toMatch(/warning: method: The method sft does not ask for <think> and <rethink>/);
    expect((await check(SHORT, "method=icl-box")).out).toMatch(/warning: method: .*Write method: icl\.$/m);
  });

  it("a judge that costs more than its budget", async () => {
    const { out } = await check(
      ...judged(SHORT, "judge.openai.price={input: 2500, output: 10}", "judge.openai.budget=100"),
    );
    expect(out).toMatch(/warning: judge\.openai\.budget: The judge may cost \$\d+\.\d\d, and its budget is \$100/);
  });
});
