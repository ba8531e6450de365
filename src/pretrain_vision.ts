/**
 * @file The first stage of pretraining: the vision tower learns what stands where, before any word. In a merged patch
 * where an object has its centre, linear heads on the connector's output must name its shape and colour and place its
 * edges. The heads are thrown away; what they read stays in the features.
 */
import { toSpace } from "./boxes.ts";
import { readWeights, writeWeights } from "./checkpoint/weights_io.ts";
import { renderScene } from "./data/scenes/render.ts";
import { COLORS, pretrainScene, type Scene, SHAPES } from "./data/scenes/world.ts";
import { tokenLogprobs } from "./engine/logprobs.ts";
import { AdamW } from "./engine/optimizer.ts";
import { readModel } from "./models/registry.ts";
import { Weights } from "./models/weights.ts";
import { named } from "./prompt/image.ts";
import { Processor } from "./prompt/prompt.ts";
import { stream } from "./random.ts";
import type { Box, ImageInput, Space } from "./records.ts";
import { learningRate } from "./schedule.ts";
import {
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
} from "./torch/ops.ts";
import { keep, type Tensor, tidy } from "./torch/tensor.ts";

export interface VisionStage {
  readonly steps: number;
  readonly scenes_per_step: number;
  readonly lr: number;
}

export interface VisionMetrics {
  readonly step: number;
  /** Negative log-likelihood of the shape (or of its absence) over all patches, of the colour over occupied ones. */
  readonly shape: number;
  readonly color: number;
  /** Root mean square error of the edges, in frame pixels. */
  readonly edges: number;
  /** Negative log-likelihood of the edges' decimal digits, as the model writes them. */
  readonly hundreds: number;
  readonly tens: number;
  readonly units: number;
}

/** Side of a merged patch, in frame pixels. */
const PATCH = 28;
const EDGES = 4;
/** Most patches are empty; this makes up for it. */
const SHAPE_WEIGHT = 4;

/** Trains the vision tower and the connector of the checkpoint in `dir`, in place. */
export function teachVision(
  dir: string,
  seed: number,
  stage: VisionStage,
  onStep: (metrics: VisionMetrics) => void,
): void {
  const model = readModel(dir);
  const processor = Processor.load(dir);
  const { parameters, layout } = readWeights(dir, model, "cpu");
  const heads = freshHeads(model.shape.hidden, seed);
  const sees = [...parameters].filter(([name]) => ["vision", "connector"].includes(model.partOf(name)));
  const trained = [...sees, ...heads];
  for (const [, tensor] of trained) tensor.requiresGrad();
  const optimizer = new AdamW(trained);
  const masters = new Weights(new Map(sees));
  for (let step = 0; step < stage.steps; step++) {
    const scenes = Array.from({ length: stage.scenes_per_step }, (_, i) =>
      pretrainScene(stream(seed, "scenes", "patches", step * stage.scenes_per_step + i)),
    );
    const images = scenes.map((scene) => processor.images.process(named(renderScene(scene))));
    const metrics = tidy(() => {
      const features_MD = cast(model.encodeImages(masters.compute("bfloat16"), images), "float32");
      return patchLoss(
        features_MD,
        heads,
        scenes.flatMap((scene, i) => patchesOf(scene, images[i]!, processor.boxSpace)),
      );
    });
    const lr = learningRate({ lr: stage.lr, schedule: "cosine", warmupSteps: 50, steps: stage.steps }, step);
    optimizer.step({ lr, betas: [0.9, 0.98], eps: 1e-8, weightDecay: 0.05, clipNorm: 1 });
    onStep({ step, ...metrics });
  }
  for (const [, tensor] of trained) tensor.requiresGrad(false);
  writeWeights(dir, model, parameters, layout);
  optimizer.dispose();
  for (const tensor of [...parameters.values(), ...heads.values()]) tensor.dispose();
}

const DIGITS = { hundreds: 100, tens: 10, units: 1 } as const;
type Digit = keyof typeof DIGITS;
type Head = "shape" | "color" | "edges" | Digit;
type Heads = ReadonlyMap<Head, Tensor>;

function freshHeads(hidden: number, seed: number): Heads {
  using generator = new Generator(seed);
  const head = (values: number) => keep(normal_(zeros([values, hidden]), 0, hidden ** -0.5, generator));
  return new Map<Head, Tensor>([
    ["shape", head(SHAPES.length + 1)],
    ["color", head(COLORS.length)],
    ["edges", head(EDGES)],
    ["hundreds", head(EDGES * 10)],
    ["tens", head(EDGES * 10)],
    ["units", head(EDGES * 10)],
  ]);
}

/**
 * What a merged patch holds: nothing (shape 0), or the object whose centre lies in it; scenes keep objects so far apart
 * that there is at most one. Its edges are taken from the image's corner, not the patch's: rotary positions are relative,
 * and a language model that is to write coordinates needs features that say where they are.
 */
interface Patch {
  readonly shape: number;
  readonly color: number;
  /** In frame pixels. */
  readonly edges: readonly number[];
  /** The same as the model is to write them: whole numbers in its box space. */
  readonly written: readonly number[];
}
const EMPTY: Patch = { shape: 0, color: 0, edges: [], written: [] };

/** The merged patches of an image, in their order; an image of several tiles is not one grid, and none is taught with them. */
function patchesOf(scene: Scene, image: ImageInput, space: Space): Patch[] {
  const across = image.grid_thw[2] / 2;
  const patches = new Array<Patch>((image.grid_thw[1] / 2) * across).fill(EMPTY);
  for (const object of scene.objects) {
    const frame = toSpace(object.box, "frame", image.frame);
    const { x1, y1, x2, y2 } = frame;
    patches[Math.floor((y1 + y2) / 2 / PATCH) * across + Math.floor((x1 + x2) / 2 / PATCH)] = {
      shape: SHAPES.indexOf(object.shape) + 1,
      color: COLORS.indexOf(object.color),
      edges: edgesOf(frame),
      written: edgesOf(toSpace(object.box, space, image.frame)).map(Math.round),
    };
  }
  return patches;
}

const edgesOf = ({ x1, y1, x2, y2 }: Box) => [x1, y1, x2, y2];

/** Differentiates the loss; features_MD and the patches of all images in the same order. */
function patchLoss(features_MD: Tensor, heads: Heads, patches: readonly Patch[]): Omit<VisionMetrics, "step"> {
  const occupied = patches.flatMap((patch, i) => (patch.shape ? [i] : []));
  const edges = occupied.flatMap((i) => patches[i]!.edges);
  const written = occupied.flatMap((i) => patches[i]!.written);
  const there_OD = indexSelect(features_MD, 0, ints(occupied));
  const likelihood = (logits: Tensor, classes: readonly number[]) =>
    neg(mean(tokenLogprobs(reshape(logits, [classes.length, -1]), classes)));
  const digit = (name: Digit) =>
    likelihood(
      linear(there_OD, heads.get(name)!),
      written.map((edge) => Math.floor(edge / DIGITS[name]) % 10),
    );
  const shape = likelihood(
    linear(features_MD, heads.get("shape")!),
    patches.map((patch) => patch.shape),
  );
  const color = likelihood(
    linear(there_OD, heads.get("color")!),
    occupied.map((i) => patches[i]!.color),
  );
  const [hundreds, tens, units] = [digit("hundreds"), digit("tens"), digit("units")];
  const placed = floats(
    edges.map((edge) => edge / PATCH),
    [occupied.length, EDGES],
  );
  const error = sub(linear(there_OD, heads.get("edges")!), placed);
  const square = mean(mul(error, error));
  [color, hundreds, tens, units, mul(square, 8)]
    .reduce((total, part) => add(total, part), mul(shape, SHAPE_WEIGHT))
    .backward();
  return {
    shape: shape.item(),
    color: color.item(),
    edges: Math.sqrt(square.item()) * PATCH,
    hundreds: hundreds.item(),
    tens: tens.item(),
    units: units.item(),
  };
}
