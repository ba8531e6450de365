/** @file Folders of evaluations that are cut, of other types, of impossible numbers, or full of links that lead elsewhere. */
import { makeManifest } from "../../../src/evaluation/manifest-fixture.ts";
import type { Random } from "../../../src/util/random.ts";
import type { Json } from "../checkpoint.ts";
import type { Content, Generator } from "../hostile.ts";

const MANIFEST: Json = { ...makeManifest({}, 2) };
const SAMPLE: Json = {
  ...{
    id: "vsr-0",
    dataset: "vsr",
    set: "vsr",
    image: "a.png",
    sha256: "0",
    width: 64,
    height: 48,
    question: "Is it?",
  },
  ...{
    answer: "yes",
    text: "yes",
    response: "yes",
    boxes: [],
    gtBoxes: [],
    acc: 1,
    giou: null,
    giouRaw: null,
    f1: null,
  },
  ...{ yesNo: { truth: "yes", said: "yes" }, choice: null, ending: "stop", tokens: 3 },
};
const lines = (...samples: readonly Json[]) => samples.map((sample) => `${JSON.stringify(sample)}\n`).join("");
const SAMPLES = lines(SAMPLE, { ...SAMPLE, id: "vsr-1" });

interface Spoiled {
  /** By their place in the evaluation's folder. */
  readonly files: Readonly<Record<string, Content>>;
  readonly names: readonly string[];
}

/** What is no JSON object. */
const noObject = (random: Random, sound: string) =>
  random.pick([
    "",
    "{",
    "[]",
    "null",
    "7",
    sound.slice(0, -3),
    `${sound}}`,
    sound.replaceAll('"', "'"),
    "\0",
    "[".repeat(1e6),
  ]);

const FAULTS: Record<string, (random: Random) => Spoiled> = {
  "a manifest that is none": (random) => ({
    files: { "manifest.json": noObject(random, JSON.stringify(MANIFEST)) },
    names: ["manifest.json"],
  }),
  "a value of the manifest that is none": (random) => {
    const key = random.pick(Object.keys(MANIFEST));
    const value = random.pick<unknown>([undefined, null, 7, [], [null], key === "judge" ? 7 : true]);
    return { files: { "manifest.json": JSON.stringify({ ...MANIFEST, [key]: value }) }, names: ["manifest.json", key] };
  },
  "a line that is none": (random) => {
    const bad = noObject(random, JSON.stringify(SAMPLE)) || "{";
    return { files: { "samples.jsonl": `${lines(SAMPLE)}${bad}\n` }, names: ["samples.jsonl:2"] };
  },
  "a value of a line that is none": (random) => {
    const key = random.pick(Object.keys(SAMPLE).filter((name) => name !== "response"));
    const value = random.pick<unknown>([
      undefined,
      {},
      [7],
      true,
      key === "width" ? 0 : key === "height" ? 0.5 : [null],
    ]);
    return { files: { "samples.jsonl": lines({ ...SAMPLE, [key]: value }) }, names: ["samples.jsonl:1", key] };
  },
  "numbers that are none": (random) => {
    const bad = random.pick(["NaN", "1e999", "-1e999", "Infinity"]);
    return { files: { "samples.jsonl": lines(SAMPLE).replace('"acc":1', `"acc":${bad}`) }, names: ["samples.jsonl:1"] };
  },
  "an id twice": () => ({ files: { "samples.jsonl": lines(SAMPLE, SAMPLE) }, names: ["samples.jsonl:2", "vsr-0"] }),
  "bytes that are no text": (random) => {
    const name = random.pick(["manifest.json", "samples.jsonl"]);
    const whole = Buffer.from(name === "manifest.json" ? JSON.stringify(MANIFEST) : SAMPLES);
    const at = whole.indexOf("vsr");
    return {
      files: { [name]: Buffer.concat([whole.subarray(0, at), Buffer.of(0xff, 0xc0), whole.subarray(at)]) },
      names: [name],
    };
  },
  "no file": (random) => {
    const name = random.pick(["manifest.json", "samples.jsonl"]);
    const content = random.pick<Content>([null, { link: "/dev/zero" }, { link: name }, { link: "../../victim.json" }]);
    return { files: { [name]: content, ...(content === null && { [`${name}/x`]: "" }) }, names: ["one"] };
  },
  "no evaluation": (random) => ({
    files: {
      "manifest.json": null,
      ...random.pick<Record<string, Content>>([{}, { "run.json": "{}" }, { "config.json": "{}" }]),
    },
    names: ["one"],
  }),
};

const generate: Generator = (random) => {
  const name = random.pick(Object.keys(FAULTS));
  const { files, names } = FAULTS[name]!(random);
  const sound = (dir: string) => ({
    [`${dir}/manifest.json`]: JSON.stringify(MANIFEST),
    [`${dir}/samples.jsonl`]: SAMPLES,
  });
  const spoiled = Object.fromEntries(Object.entries(files).map(([file, content]) => [`one/${file}`, content]));
  return {
    name,
    files: { ...sound("one"), ...sound("two"), ...spoiled },
    command: random.pick([
      ["eval", "--table", "DIR/one", "DIR/two"],
      ["eval", "--compare", "DIR/one", "DIR/two"],
    ]),
    names,
  };
};
export default generate;
