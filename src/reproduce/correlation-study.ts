/**
 * @file Figure 4: whether boxes belong to the chain around them. Somebody picks between a picture with the chain's boxes and one with as
 * many random ones; chance is 0.5. Chains of GRIT, of a worked example and of few-shot fine-tuning, and perfect ones above them.
 */
import { answerIn } from "../chain/detection.ts";
import { parseChain } from "../chain/parse.ts";
import { bootstrapSeeds } from "../evaluation/over-seeds.ts";
import { type Chooser, drawable, type Pick, pick } from "../probes/correlation.ts";
import { decodeImage } from "../prompt/image.ts";
import type { Chain, Frame, Sample } from "../records.ts";
import type { Answered } from "../run/lines.ts";
import { UserError } from "../util/errors.ts";
import { finetuned, grit, untrained } from "./arms.ts";
import { correlationChart } from "./correlation-figure.ts";
import { chooserOf } from "./picture-chooser.ts";
import type { Runs, Study } from "./study.ts";

/** The paper's sets, without detection. */
const SETS = ["vsr", "tallyqa", "gqa", "mme", "mathvista_mini"];
const REPEATS = 3;

export const correlation: Study = {
  name: "correlation",
  title: "Figure 4: how often the boxes of a chain are told from random ones by its words",
  families: ["qwen"],
  arms: (scale) => [untrained(scale).icl, finetuned(scale), grit(scale)],
  choosesPictures: true,
  run: async (runs) => {
    const { scale } = runs;
    const chooser = await chooserOf(runs);
    const rows: { name: string; seeds: readonly (readonly Pick[])[] }[] = [];
    for (const arm of correlation.arms(scale)) {
      const evaluations = await runs.answers(arm);
      const seeds: Pick[][] = [];
      for (const [i, seed] of runs.seedsOf(arm).entries()) {
        const answered = evaluations[i]!.samples.filter(({ set }) => SETS.includes(set));
        const looks = await looksAt(runs, answered);
        seeds.push(await runs.probed(`correlation-${arm.name}-seed-${seed}`, () => picks(chooser, looks)));
      }
      rows.push({ name: arm.name, seeds });
    }
    if (scale.name === "miniature") {
      const perfect = await perfectLooks(runs);
      rows.push({
        name: "perfect chains",
        seeds: [await runs.probed("correlation-perfect", () => picks(chooser, perfect))],
      });
    }
    const numbers = rows.map(({ name, seeds }) => ({ name, seeds: seeds.length, numbers: [shareOf(seeds)] }));
    const shares = numbers.map(({ name, numbers: [share] }) => ({ name, share: share ?? null }));
    return {
      columns: [{ name: "right picks", form: "fraction" }],
      arms: numbers,
      paper: [],
      gains: [],
      direction: directionOf(shares),
      figure: correlationChart(shares),
      notes: [
        `Each chain with a box, of ${SETS.join(", ")}, ${REPEATS} times, with other random boxes and in an order drawn anew; 0.5 is chance. Chosen by ${chooser.name}.`,
        ...rows.map(({ name, seeds }) => {
          const chains = seeds.map((picks) => picks.length / REPEATS).join(", ");
          return `${name}: ${chains} chains have a box${seeds.length > 1 ? ", by seed" : ""}.`;
        }),
        "The paper gives its figure without numbers: GRIT above the worked example and few-shot fine-tuning, below human-written chains.",
      ],
    };
  },
};

interface Look {
  readonly sample: Sample;
  readonly chain: Chain;
}

/** The chains of answers that have a box to draw. */
async function looksAt(runs: Runs, answered: readonly Answered[]): Promise<Look[]> {
  const byId = new Map(
    (await runs.sets()).flatMap(({ samples }) => samples.map((sample) => [sample.id, sample] as const)),
  );
  return answered.flatMap(({ id, text, boxes }) => {
    const sample = byId.get(id)!;
    const chain = parseChain(text, { space: "image", frame: ownFrame(sample) });
    // The text has the model's own numbers; the answer's boxes are in pixels of the image.
    const placed = chain.boxes.map((each, i) => {
      const [x1, y1, x2, y2] = boxes[i]!.box;
      return { ...each, box: { space: "image" as const, x1, y1, x2, y2 }, degenerate: boxes[i]!.degenerate ?? false };
    });
    const whole = { ...chain, boxes: placed };
    return drawable(whole).length > 0 ? [{ sample, chain: whole }] : [];
  });
}

/** Chains that point at what is true: as many as the paper had people write. */
const WRITTEN = 20;

async function perfectLooks(runs: Runs): Promise<Look[]> {
  const samples = (await runs.sets()).filter(({ name }) => SETS.includes(name)).flatMap(({ samples }) => samples);
  const boxed = samples.filter(({ boxes }) => boxes.length > 0);
  return Array.from({ length: Math.min(WRITTEN, boxed.length) }, (_, i) => {
    const sample = boxed[Math.floor((i * boxed.length) / WRITTEN)]!;
    const seen = sample.boxes.map(({ x1, y1, x2, y2 }) => `[${x1}, ${y1}, ${x2}, ${y2}]`).join(" ");
    const answer = answerIn("image", sample, ownFrame(sample));
    const text = `<think> ${seen} </think> <rethink> ${sample.question} </rethink> <answer> ${answer}`;
    return { sample, chain: parseChain(text, { space: "image", frame: ownFrame(sample) }) };
  });
}

/** The frame of one who writes pixels of the stored image. */
function ownFrame({ width, height }: Sample): Frame {
  return { imageWidth: width, imageHeight: height, frameWidth: width, frameHeight: height };
}

async function picks(chooser: Chooser, looks: readonly Look[]): Promise<Pick[]> {
  const all: Pick[] = [];
  for (const look of looks) {
    const image = await decodeImage(look.sample.image);
    all.push(...(await pick(chooser, look, image, { repeats: REPEATS, seed: 1 })));
  }
  return all;
}

/** The share of right picks over the chains that have a box in every seed; null where none has. @throws UserError for a pick that was not made */
function shareOf(seeds: readonly (readonly Pick[])[]) {
  const values = seeds.map((picks) => {
    const byId = new Map<string, number[]>();
    for (const { id, right, chosen } of picks) {
      if (typeof chosen !== "number")
        throw new UserError(`No picture was chosen for ${id}: ${chosen.unscored}.`, "Run the command again.");
      byId.set(id, [...(byId.get(id) ?? []), Number(chosen === right)]);
    }
    return byId;
  });
  const ids = [...values[0]!.keys()].filter((id) => values.every((own) => own.has(id)));
  if (ids.length === 0) return null;
  return bootstrapSeeds(
    values.map((own) => ids.map((id) => own.get(id)!.reduce((sum, hit) => sum + hit, 0) / REPEATS)),
  );
}

type Share = ReturnType<typeof shareOf>;

function directionOf(rows: readonly { readonly name: string; readonly share: Share }[]) {
  const ours = rows.find(({ name }) => name === "grit")?.share;
  const others = rows.filter(({ name }) => name === "icl" || name === "sft");
  if (!ours) return { agrees: false, sentence: "Unlike in the paper, no chain of GRIT has a box." };
  const above = others.filter(({ share }) => share === null || ours.low > share.high);
  const told = "the boxes of GRIT's chains are told from random ones";
  if (above.length === others.length && ours.low > 0.5) {
    return { agrees: true, sentence: `As in the paper, ${told} more often than those of icl and sft.` };
  }
  const rest = others.filter((other) => !above.includes(other)).map(({ name }) => name);
  const how =
    rest.length > 0 ? `not clearly more often than those of ${rest.join(" and ")}` : "no more often than by chance";
  return { agrees: false, sentence: `Unlike in the paper, ${told} ${how}.` };
}
