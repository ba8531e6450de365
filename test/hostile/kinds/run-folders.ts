/** @file Run folders that are cut, of other types, of impossible numbers, or full of links that lead elsewhere. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Random } from "../../../src/util/random.ts";
import type { Json } from "../checkpoint.ts";
import type { Content, Generator } from "../hostile.ts";
import { commandOn, type RunCommand, type SoundRun, soundRun, textOf } from "../sound-run.ts";
import { fileOf, partsOf } from "../tensors.ts";

interface Spoiled {
  /** By their place in the run folder. */
  readonly files: Readonly<Record<string, Content>>;
  /** Beside the run folder. */
  readonly outside?: Readonly<Record<string, Content>>;
  readonly names?: readonly string[];
  /** The commands that read what is spoiled. */
  readonly by: readonly RunCommand[];
}

const LAST = "checkpoints/step-2";
const STATE = `${LAST}/trainer/state.safetensors`;

const cut = (random: Random, text: string) => text.slice(0, random.int(0, text.length - 3));

/** A JSON lines file, one line of which is changed, or replaced by a text. */
function withLine(
  random: Random,
  text: string,
  change: (line: Json) => Json | string,
): { content: string; at: number } {
  const lines = text.trimEnd().split("\n");
  const at = random.int(0, lines.length - 1);
  const changed = change(JSON.parse(lines[at]!) as Json);
  lines[at] = typeof changed === "string" ? changed : JSON.stringify(changed);
  return { content: `${lines.join("\n")}\n`, at: at + 1 };
}

/** Texts that stand in the place of a line of JSON and are none. */
const noJson = (random: Random, line: Json) => {
  const text = JSON.stringify(line);
  return random.pick([
    text.slice(0, random.int(1, text.length - 1)),
    `${text}${text}`,
    text.replaceAll('"', "'"),
    text.replace(/:\d/, ":NaN"),
    "\0",
    "[".repeat(1e6),
  ]);
};

/** The training state with its tensors, or what it says of itself, changed. */
function state({ dir }: SoundRun, change: (parts: ReturnType<typeof partsOf>) => void): Buffer {
  const parts = partsOf(readFileSync(join(dir, STATE)));
  change(parts);
  const { header, data, metadata } = parts;
  return fileOf({ ...(metadata && { __metadata__: metadata }), ...header }, data);
}

const FAULTS: Record<string, (random: Random, run: SoundRun) => Spoiled> = {
  "run.json that is no JSON": (random, run) => ({
    files: {
      "run.json": random.pick(["", "{", cut(random, textOf(run, "run.json")), "\0", "<html>", "[".repeat(1e6)]),
    },
    names: ["run.json"],
    by: ["report", "resume"],
  }),
  "run.json of another form": (random) => ({
    files: { "run.json": JSON.stringify(random.pick<unknown>([null, 7, [], "run", [{}], true])) },
    names: ["run.json"],
    by: ["report", "resume"],
  }),
  "a recipe that is none": (random, run) => {
    const info = JSON.parse(textOf(run, "run.json")) as Json;
    const [key, value] = random.pick<[string, unknown]>([
      ["recipe", random.pick<unknown>([null, 7, [], "recipe", undefined])],
      ["recipe", { ...(info.recipe as Json), precision: random.pick<unknown>(["float8", 7, null, []]) }],
      ["recipe", { ...(info.recipe as Json), model: random.pick<unknown>([7, null, [], {}]) }],
      ["data", random.pick<unknown>([null, 7, [], "data", { train: 7 }])],
      ["model", random.pick<unknown>([null, 7, [], {}, ""])],
      ["changes", random.pick<unknown>([7, {}, [null], [{ step: "1", key: 2 }], "none"])],
    ]);
    return { files: { "run.json": JSON.stringify({ ...info, [key]: value }) }, by: ["resume"] };
  },
  "run.json that is no file": (random) => {
    const content = random.pick<Content>([null, { link: "gone.json" }, { link: "run.json" }, { link: "/dev/zero" }]);
    return { files: { "run.json": content, ...(content === null && { "run.json/x": "" }) }, by: ["report", "resume"] };
  },
  "metrics that are no JSON": (random, run) => {
    const { content, at } = withLine(random, textOf(run, "metrics.jsonl"), (line) => noJson(random, line));
    return { files: { "metrics.jsonl": content }, names: [`metrics.jsonl:${at}`], by: ["report", "resume"] };
  },
  "a step that is none": (random, run) => {
    const step = random.pick<unknown>([null, undefined, "2", -5, 0.5, 1e300, [], {}, true]);
    const { content, at } = withLine(random, textOf(run, "metrics.jsonl"), (line) => ({ ...line, step }));
    return { files: { "metrics.jsonl": content }, names: [`metrics.jsonl:${at}`], by: ["report", "resume"] };
  },
  "a metric that is none": (random, run) => {
    const { content, at } = withLine(random, textOf(run, "metrics.jsonl"), (line) => ({
      ...line,
      [random.pick(["reward", "length", "ending", "advantage", "seconds", "mismatch", "boxes"])]: random.pick<unknown>([
        null,
        7,
        "x",
        true,
      ]),
    }));
    return { files: { "metrics.jsonl": content }, names: [`metrics.jsonl:${at}`], by: ["report"] };
  },
  "metrics that are no file": () => ({
    files: { "metrics.jsonl": null, "metrics.jsonl/x": "" },
    names: ["metrics.jsonl"],
    by: ["report", "resume"],
  }),
  "bytes that are no text": (random, run) => {
    const name = random.pick(["run.json", "metrics.jsonl"]);
    const whole = Buffer.from(textOf(run, name));
    const at = whole.indexOf("e", random.int(1, 200));
    return {
      files: { [name]: Buffer.concat([whole.subarray(0, at), Buffer.of(0xff, 0xfe), whole.subarray(at)]) },
      names: [name],
      by: ["report", "resume"],
    };
  },
  "rollouts that are none": (random, run) => {
    const name = "rollouts/step-000001.jsonl";
    const { content, at } = withLine(random, textOf(run, name), (line) => {
      const key = random.pick(["image", "width", "text", "boxes", "terms", "total", "ending", "id"]);
      const wrong = key === "width" ? random.pick<unknown>([0, -64, 0.5, 1e300, "64"]) : key === "total" ? "seven" : 7;
      return random.pick<Json | string>([
        noJson(random, line),
        { ...line, [key]: wrong },
        { ...line, [key]: undefined },
      ]);
    });
    return { files: { [name]: content }, names: [`step-000001.jsonl:${at}`], by: ["report"] };
  },
  "answers that are none": (random, run) => {
    const name = "eval/step-1/samples.jsonl";
    const { content, at } = withLine(random, textOf(run, name), (line) => {
      const key = random.pick(["id", "image", "height", "question", "boxes", "gtBoxes", "acc", "tokens"]);
      const wrong =
        key === "height" ? random.pick<unknown>([0, -48, 1e300, null]) : random.pick<unknown>(["x", true, {}]);
      return random.pick<Json | string>([
        noJson(random, line),
        { ...line, [key]: typeof line[key] === typeof wrong ? 7 : wrong },
        { ...line, [key]: undefined },
      ]);
    });
    return { files: { [name]: content }, names: [`samples.jsonl:${at}`], by: ["report"] };
  },
  "a summary that is none": (random) => ({
    files: {
      "summary.json": random.pick([
        ...["{", "[]", "null", '{"sets": 7}', '{"sets": {"a": {"n": "1"}}}', '{"rows": {}}', '{"rows": [{"name": 7}]}'],
        ...[
          '{"seconds": []}',
          '{"sets": {"a": {"n": 1, "acc": {"before": "0"}}}}',
          '{"sets": {"a": {"n": 1, "acc": 7}}}',
        ],
      ]),
    },
    names: ["summary.json"],
    by: ["report"],
  }),
  "a state that is cut off": (random, { dir }) => {
    const whole = readFileSync(join(dir, STATE));
    return { files: { [STATE]: whole.subarray(0, random.int(0, whole.length - 1)) }, names: [STATE], by: ["resume"] };
  },
  "a state that is missing": (random) => {
    const gone = random.pick([STATE, `${LAST}/trainer`]);
    return { files: { [gone]: null }, names: ["state.safetensors"], by: ["resume"] };
  },
  "a state that is no file": (random) => {
    const content = random.pick<Content>([
      null,
      { link: "gone" },
      { link: "/dev/zero" },
      { link: "../../../../victim.safetensors" },
    ]);
    return {
      files: { [STATE]: content, ...(content === null && { [`${STATE}/x`]: "" }) },
      names: ["state.safetensors"],
      by: ["resume"],
    };
  },
  "a state of impossible values": (random, run) => {
    let name = "";
    const spoiled = state(run, ({ header, data }) => {
      name = random.pick(Object.keys(header));
      const [start, end] = header[name]!.data_offsets;
      const at = start + 4 * random.int(0, (end - start) / 4 - 1);
      const values = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
      data.writeFloatLE(random.pick(name.endsWith(".square") ? [...values, -1, -1e-30] : values), at);
    });
    return { files: { [STATE]: spoiled }, names: [STATE, name], by: ["resume"] };
  },
  "a state of other tensors": (random, run) => ({
    files: {
      [STATE]: state(run, ({ header }) => {
        const name = random.pick(Object.keys(header));
        const tensor = header[name]!;
        delete header[name];
        header[random.pick(["x", "", "__proto__", `${name}.square`, "model.layers.9"])] = tensor;
      }),
    },
    names: [STATE],
    by: ["resume"],
  }),
  "a state of another shape or type": (random, run) => ({
    files: {
      [STATE]: state(run, ({ header }) => {
        const tensor = header[random.pick(Object.keys(header))]!;
        const { shape } = tensor;
        if (random.chance(0.5))
          tensor.shape = random.pick([
            [...shape, 1],
            [shape.reduce((a, b) => a * b, 1), 1],
            [1, ...shape],
          ]);
        else {
          const wide = random.chance(0.5);
          tensor.dtype = wide ? random.pick(["F16", "BF16"]) : "I32";
          if (wide) tensor.shape = [...shape.slice(0, -1), 2 * shape.at(-1)!];
        }
      }),
    },
    names: [STATE],
    by: ["resume"],
  }),
  "a state that has seen no number of updates": (random, run) => ({
    files: {
      [STATE]: state(run, (parts) => {
        const steps = random.pick(["-5", "1.5", "many", "", "1e300", "NaN", "99999999999999999999", undefined]);
        parts.metadata = steps === undefined ? undefined : { steps };
      }),
    },
    names: [STATE],
    by: ["resume"],
  }),
  "a state of another step": (random, run) => {
    const steps = random.pick(["0", "1", "3", "7", "200"]);
    const counting = state(run, (parts) => {
      parts.metadata = { steps };
    });
    return {
      files: {
        [STATE]: random.pick([counting, readFileSync(join(run.dir, "checkpoints/step-1/trainer/state.safetensors"))]),
      },
      names: [`${LAST}/trainer`],
      by: ["resume"],
    };
  },
  "a checkpoint by another step's name": (random, { dir }) => {
    const files = readdirSync(join(dir, LAST), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name));
    const place = `checkpoints/step-${random.pick([1, 3])}`;
    return {
      files: {
        [LAST]: null,
        ...Object.fromEntries(files.map((path) => [path.replace(join(dir, LAST), place), readFileSync(path)])),
      },
      names: [place.replace("checkpoints/step-", "step ")],
      by: ["resume"],
    };
  },
  "metrics that lack a step": (random, run) => {
    const lines = textOf(run, "metrics.jsonl").trimEnd().split("\n");
    const changed = random.pick([[], lines.slice(1), lines.slice(0, 1), [lines[0], ...lines], lines.toReversed()]);
    return {
      files: { "metrics.jsonl": changed.map((line) => `${line}\n`).join("") },
      names: ["metrics.jsonl"],
      by: ["resume"],
    };
  },
  "weights that are cut off": (random, { dir }) => {
    const name = `${LAST}/model.safetensors`;
    const whole = readFileSync(join(dir, name));
    return { files: { [name]: whole.subarray(0, random.int(0, whole.length - 1)) }, names: [name], by: ["export"] };
  },
  "a checkpoint that lacks a file": (random) => {
    const name = random.pick(["config.json", "model.safetensors", "tokenizer.json"]);
    return { files: { [`${LAST}/${name}`]: null }, names: [LAST], by: ["export"] };
  },
  "how it was asked is none": (random) => ({
    files: {
      [`${LAST}/grit.json`]: random.pick([
        "{",
        "[]",
        "7",
        "{}",
        '{"method": "grits", "image": {}}',
        '{"method": "grit", "image": {"maxPixels": -1}}',
      ]),
    },
    names: ["grit.json"],
    by: ["export"],
  }),
  "a checkpoint that is empty": (random) => {
    const step = random.pick([3, 7, 99]);
    return { files: { [`checkpoints/step-${step}/x`]: "" }, names: [`step-${step}`], by: ["export"] };
  },
  "a later checkpoint than the recipe asks for": (random) => {
    const step = random.pick(["4", "99", "1000000000"]);
    return { files: { [`checkpoints/step-${step}/x`]: "" }, names: [step], by: ["resume"] };
  },
  "a folder for a file that is written": (random) => {
    const [name, by] = random.pick<[string, RunCommand]>([
      ["report.html", "report"],
      ["metrics.jsonl.partial", "resume"],
      ["run.json.partial", "resume"],
      [".lock", "resume"],
    ]);
    return { files: { [`${name}/x`]: "" }, names: [name === "report.html" ? name : "run"], by: [by] };
  },
  "a link that leads out": (random) => {
    const [name, by] = random.pick<[string, RunCommand[]]>([
      ["run.json", ["report", "resume"]],
      ["metrics.jsonl", ["report", "resume"]],
      ["metrics.jsonl.partial", ["resume"]],
      ["run.json.partial", ["resume"]],
      ["report.html.partial", ["report"]],
      ["summary.json", ["report"]],
      [`${LAST}/config.json`, ["export"]],
      [`${LAST}/model.safetensors`, ["export"]],
      [STATE, ["resume"]],
    ]);
    const up = "../".repeat(name.split("/").length + 1);
    return {
      files: { [name]: { link: `${up}${random.pick(["victim.txt", "victim.json", "victim.safetensors"])}` } },
      names: [name],
      by,
    };
  },
  "a folder that is a link out": (random) => {
    const name = random.pick(["checkpoints", "rollouts", "images", "eval"]);
    const link = random.pick(["../elsewhere", "..", "/tmp", "gone"]);
    return {
      files: { [name]: { link } },
      outside: { "elsewhere/step-000009.jsonl": "{}\n", "elsewhere/step-1/x": "", "elsewhere/.tmp-step-3/x": "" },
      names: [name],
      by: ["report", "resume"],
    };
  },
};

const generate: Generator = async (random) => {
  const run = await soundRun();
  const name = random.pick(Object.keys(FAULTS));
  const { files, outside = {}, names = [], by } = FAULTS[name]!(random, run);
  const command = random.pick(by);
  return {
    name: `${name}, ${command}`,
    bases: { run: run.dir },
    files: {
      ...Object.fromEntries(Object.entries(files).map(([file, content]) => [`run/${file}`, content])),
      ...outside,
    },
    command: commandOn(command, run.recipe),
    names: ["run", ...names],
    ...(command === "export" && { out: "out" }),
    ...(command === "report" && !("report.html/x" in files) && { out: "run/report.html" }),
  };
};
export default generate;
