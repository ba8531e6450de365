/**
 * @file The first stage of pretraining: the vision tower learns what stands where, before any word. Linear heads on the
 * connector's output must name the shape that a merged patch is part of, and where an object has its centre its shape
 * and colour, and place its edges. The heads are then dropped; what they learned to read remains in the features.
 */

import { area, box, commonArea } from "../boxes.ts";
import { readWeights, writeWeights } from "../checkpoint/weights-io.ts";
import { renderScene } from "../data/scenes/render.ts";
import { viewOf } from "../data/scenes/scene-chains.ts";
import { COLORS, pretrainScene, type Scene, SHAPES } from "../data/scenes/world.ts";
import { tokenLogprobs } from "../engine/logprobs.ts";
import { WholeMasters } from "../engine/masters.ts";
import { AdamW } from "../engine/optimizer.ts";
import { readModel } from "../models/architectures.ts";
import { encodeImages } from "../models/forward.ts";
import { Weights } from "../models/weights.ts";
import { learningRate } from "../objective/schedule.ts";
import { named } from "../prompt/image.ts";
import { Processor } from "../prompt/prompt.ts";
import type { Box, ImageInput, Space } from "../records.ts";
import {
  abs,
  add,
  cast,
  floats,
  Generator,
  indexSelect,
  ints,
  linear,
  mean,
  mul,
  neg,
  normal_,
  reshape,
  sub,
  zeros,
} from "../torch/ops.ts";
import type { ComputeType } from "../torch/precision.ts";
import { keep, type Tensor, tidy } from "../torch/tensor.ts";
import type { Cancellable } from "../util/interruptible.ts";
import { stream } from "../util/random.ts";
import { needFinite } from "./need-finite.ts";

export interface VisionStage {
  readonly steps: number;
  readonly scenes_per_step: number;
  readonly lr: number;
}

/** Place values of the edges' decimal digits. */
const DIGITS = { hundreds: 100, tens: 10, units: 1 } as const;
type Digit = keyof typeof DIGITS;

const EDGES = 4;
/**
 * How many values each head gives for a patch, and the weight of its loss. Most patches are empty, and shapes come last:
 * their losses weigh most, that of parts because it has three times as many patches to learn from. Edges weigh by their
 * error, not its square, which would fade before they are exact. Digits are noise until edges are found, and must not
 * drown what finds them.
 */
const HEADS = {
  part: { values: SHAPES.length + 1, weight: 8 },
  shape: { values: SHAPES.length + 1, weight: 4 },
  color: { values: COLORS.length, weight: 1 },
  edges: { values: EDGES, weight: 8 },
  hundreds: { values: EDGES * 10, weight: 0.25 },
  tens: { values: EDGES * 10, weight: 0.25 },
  units: { values: EDGES * 10, weight: 0.25 },
} as const;
type Head = keyof typeof HEADS;
const NAMES = Object.keys(HEADS) as readonly Head[];

/** Merged patches: how many patches a side, and the side in frame pixels. */
const MERGE = 2;
const PATCH = 28;
/** How much of a patch an object must cover for the patch to be part of it. */
const PART = 0.2;

/**
 * Negative log-likelihoods: of the shape that a patch is part of and of the shape centred in it (or of none), over all
 * patches; of colour and of the edges' digits, as the model writes them, where an object is centred. `edges` is a mean
 * absolute error, in frame pixels.
 */
export type VisionMetrics = { readonly step: number } & Readonly<Record<Head, number>>;

/**
 * Trains the vision tower and the connector of the checkpoint in `dir`, in place. It computes in the thread that calls, which
 * hears signals between the steps. @throws the signal's reason when it fires, the checkpoint then being as it was
 */
export async function teachVision(
  dir: string,
  seed: number,
  stage: VisionStage,
  precision: ComputeType,
  { onStep, signal }: Cancellable & { readonly onStep?: ((metrics: VisionMetrics) => void) | undefined } = {},
): Promise<void> {
  const model = readModel(dir);
  const processor = Processor.load(dir);
  const { parameters, layout } = readWeights(dir, model, "cpu");
  const heads = freshHeads(model.shape.hidden, seed);
  const sees = [...parameters].filter(([name]) => ["vision", "connector"].includes(model.partOf(name)));
  const trained = [...sees, ...heads];
  for (const [, tensor] of trained) tensor.requiresGrad();
  const optimizer = new AdamW(new WholeMasters(trained));
  const masters = new Weights(new Map(sees));
  try {
    for (let step = 0; step < stage.steps; step++) {
      await new Promise(setImmediate);
      signal?.throwIfAborted();
      const scenes = Array.from({ length: stage.scenes_per_step }, (_, i) =>
        pretrainScene(stream(seed, "scenes", "patches", step * stage.scenes_per_step + i)),
      );
      const images = scenes.map((scene) => processor.images.process(named(renderScene(scene))));
      const metrics = tidy(() => {
        const features_MD = cast(encodeImages(model, masters.compute(precision), images), "float32");
        return patchLoss(
          features_MD,
          heads,
          scenes.flatMap((scene, i) => patchesOf(scene, images[i]!, processor.boxSpace)),
        );
      });
      const lr = learningRate({ lr: stage.lr, schedule: "cosine", warmupSteps: 50, steps: stage.steps }, step);
      needFinite(step, optimizer.step({ lr, betas: [0.9, 0.98], eps: 1e-8, weightDecay: 0.05, clipNorm: 1 }));
      onStep?.({ step, ...metrics });
    }
    for (const [, tensor] of trained) tensor.requiresGrad(false);
    writeWeights(dir, model, parameters, layout);
  } finally {
    optimizer.dispose();
    for (const tensor of [...parameters.values(), ...heads.values()]) tensor.dispose();
  }
}

type Heads = ReadonlyMap<Head, Tensor>;

function freshHeads(hidden: number, seed: number): Heads {
  using generator = new Generator(seed);
  return new Map(
    NAMES.map((head) => [head, keep(normal_(zeros([HEADS[head].values, hidden]), 0, hidden ** -0.5, generator))]),
  );
}

export interface Patch {
  /** The shape that covers most of it, counted from 1; 0 where none covers enough. */
  readonly part: number;
  /** Scenes keep objects so far apart that at most one has its centre in a merged patch. */
  readonly object?: Placed | undefined;
}

/**
 * An object as the features must describe it. Edges are measured from the image's corner, not the patch's: rotary positions are
 * relative, and a language model that writes coordinates needs features that say where they are.
 */
export interface Placed {
  /** Counted from 1. */
  readonly shape: number;
  readonly color: number;
  readonly box: Box<"frame">;
  /** Its edges as the model must write them. */
  readonly written: readonly number[];
}

/** The merged patches of an image, in their order; an image of several tiles is not one grid, and none is taught with them. */
export function patchesOf(scene: Scene, image: ImageInput, space: Space): Patch[] {
  const [, rows, columns] = image.grid_thw;
  const { toFrame, toWritten } = viewOf(image.frame, space);
  const across = columns / MERGE;
  const objects = scene.objects.map(
    ({ shape, color, box: pixels }): Placed => ({
      shape: SHAPES.indexOf(shape) + 1,
      color: COLORS.indexOf(color),
      box: toFrame(pixels),
      written: edgesOf(toWritten(pixels)),
    }),
  );
  return Array.from({ length: (rows / MERGE) * across }, (_, i) => {
    const [x, y] = [PATCH * (i % across), PATCH * Math.floor(i / across)];
    const patch = box("frame", x, y, x + PATCH, y + PATCH);
    const parts = objects.map((object) => ({ shape: object.shape, covered: commonArea(object.box, patch) }));
    const most = parts.reduce((a, b) => (b.covered > a.covered ? b : a), { shape: 0, covered: PART * area(patch) });
    return { part: most.shape, object: objects.find((object) => centredIn(object.box, patch)) };
  });
}

function centredIn({ x1, y1, x2, y2 }: Box<"frame">, patch: Box<"frame">): boolean {
  const [x, y] = [(x1 + x2) / 2, (y1 + y2) / 2];
  return x >= patch.x1 && x < patch.x2 && y >= patch.y1 && y < patch.y2;
}

const edgesOf = ({ x1, y1, x2, y2 }: Box) => [x1, y1, x2, y2];

/** Differentiates the loss; features_MD and the patches of all images in the same order. */
function patchLoss(features_MD: Tensor, heads: Heads, patches: readonly Patch[]): Omit<VisionMetrics, "step"> {
  const occupied = patches.flatMap(({ object }, at) => (object ? [{ at, object }] : []));
  const objects = occupied.map(({ object }) => object);
  const there_OD = indexSelect(features_MD, 0, ints(occupied.map(({ at }) => at)));
  const likelihood = (head: Head, features: Tensor, classes: readonly number[]) =>
    neg(mean(tokenLogprobs(reshape(linear(features, heads.get(head)!), [classes.length, -1]), classes)));
  const digit = (name: Digit) =>
    likelihood(
      name,
      there_OD,
      objects.flatMap(({ written }) => written.map((edge) => Math.floor(edge / DIGITS[name]) % 10)),
    );
  const placed = floats(
    objects.flatMap(({ box }) => edgesOf(box).map((edge) => edge / PATCH)),
    [objects.length, EDGES],
  );
  const error = sub(linear(there_OD, heads.get("edges")!), placed);
  const losses: Readonly<Record<Head, Tensor>> = {
    part: likelihood(
      "part",
      features_MD,
      patches.map(({ part }) => part),
    ),
    shape: likelihood(
      "shape",
      features_MD,
      patches.map(({ object }) => object?.shape ?? 0),
    ),
    color: likelihood(
      "color",
      there_OD,
      objects.map(({ color }) => color),
    ),
    edges: mean(abs(error)),
    hundreds: digit("hundreds"),
    tens: digit("tens"),
    units: digit("units"),
  };
  NAMES.map((head) => mul(losses[head], HEADS[head].weight))
    .reduce((total, loss) => add(total, loss))
    .backward();
  const values = Object.fromEntries(NAMES.map((head) => [head, losses[head].item()])) as Record<Head, number>;
  return { ...values, edges: values.edges * PATCH };
}
