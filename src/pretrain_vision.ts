/**
 * @file The first stage of pretraining: the vision tower learns what stands where, before any word. Every merged patch
 * has four cells of 14x14 pixels; in a cell where an object has its centre, linear heads on the connector's output must
 * name its shape and colour and place its edges. The heads are thrown away; what they read stays in the features.
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
import type { ImageInput } from "./records.ts";
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
  /** Negative log-likelihood of the shape (or of its absence) over all cells, of the colour over occupied ones. */
  readonly shape: number;
  readonly color: number;
  /** Root mean square error of the edges, in pixels of the frame. */
  readonly edges: number;
  /** Negative log-likelihood of the edges' tens and of their units. */
  readonly tens: number;
  readonly units: number;
}

/** Side of a cell: one patch. */
const CELL = 14;
const CELLS = 4;
const EDGES = 4;
/** Most cells are empty; this makes up for it. */
const SHAPE_WEIGHT = 4;
/** Tens that an edge can have: frames are smaller than 200 pixels. */
const TENS = 20;

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
      pretrainScene(stream(seed, "scenes", "cells", step * stage.scenes_per_step + i)),
    );
    const images = scenes.map((scene) => processor.images.process(named(renderScene(scene))));
    const metrics = tidy(() => {
      const features_MD = cast(model.encodeImages(masters.compute("bfloat16"), images), "float32");
      return cellLoss(
        features_MD,
        heads,
        scenes.map((scene, i) => cellsOf(scene, images[i]!)),
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

type Head = "shape" | "color" | "edges" | "tens" | "units";
type Heads = ReadonlyMap<Head, Tensor>;

function freshHeads(hidden: number, seed: number): Heads {
  using generator = new Generator(seed);
  const head = (values: number) => keep(normal_(zeros([CELLS * values, hidden]), 0, hidden ** -0.5, generator));
  return new Map<Head, Tensor>([
    ["shape", head(SHAPES.length + 1)],
    ["color", head(COLORS.length)],
    ["edges", head(EDGES)],
    ["tens", head(EDGES * TENS)],
    ["units", head(EDGES * 10)],
  ]);
}

/**
 * What a cell holds: nothing (shape 0), or the object whose centre lies in it. Its edges are frame pixels from the
 * image's corner, not the cell's: rotary positions are relative, and a language model that is to write coordinates needs
 * features that say where they are.
 */
interface Cell {
  readonly shape: number;
  readonly color: number;
  readonly edges: readonly number[];
}
const EMPTY: Cell = { shape: 0, color: 0, edges: [0, 0, 0, 0] };

/** The cells of an image, four by four in the order of its merged patches. */
function cellsOf(scene: Scene, image: ImageInput): Cell[] {
  const across = image.grid_thw[2] / 2;
  const cells = new Array<Cell>((image.grid_thw[1] / 2) * across * CELLS).fill(EMPTY);
  for (const object of scene.objects) {
    const { x1, y1, x2, y2 } = toSpace(object.box, "frame", image.frame);
    const [column, row] = [Math.floor((x1 + x2) / 2 / CELL), Math.floor((y1 + y2) / 2 / CELL)];
    const merged = (row >> 1) * across + (column >> 1);
    cells[merged * CELLS + (row & 1) * 2 + (column & 1)] = {
      shape: SHAPES.indexOf(object.shape) + 1,
      color: COLORS.indexOf(object.color),
      edges: [x1, y1, x2, y2],
    };
  }
  return cells;
}

/** Differentiates the loss; features_MD and the cells of all images in the same order. */
function cellLoss(
  features_MD: Tensor,
  heads: Heads,
  images: readonly (readonly Cell[])[],
): Omit<VisionMetrics, "step"> {
  const cells = images.flat();
  const occupied = cells.flatMap((cell, i) => (cell.shape ? [i] : []));
  const edges = occupied.flatMap((i) => cells[i]!.edges);
  /** A head's numbers, one row a cell; and of the occupied cells only. */
  const read = (head: Head) => {
    const out = linear(features_MD, heads.get(head)!);
    return reshape(out, [cells.length, out.size(1) / CELLS]);
  };
  const there = (head: Head) => indexSelect(read(head), 0, ints(occupied));
  const likelihood = (logits: Tensor, classes: readonly number[]) =>
    neg(mean(tokenLogprobs(reshape(logits, [classes.length, -1]), classes)));
  const written = edges.map(Math.round);
  const shape = likelihood(
    read("shape"),
    cells.map((cell) => cell.shape),
  );
  const color = likelihood(
    there("color"),
    occupied.map((i) => cells[i]!.color),
  );
  const tens = likelihood(
    there("tens"),
    written.map((edge) => Math.floor(edge / 10)),
  );
  const units = likelihood(
    there("units"),
    written.map((edge) => edge % 10),
  );
  const error = sub(
    there("edges"),
    floats(
      edges.map((edge) => edge / CELL),
      [occupied.length, EDGES],
    ),
  );
  const square = mean(mul(error, error));
  [color, tens, units, mul(square, 2)].reduce((total, part) => add(total, part), mul(shape, SHAPE_WEIGHT)).backward();
  return {
    shape: shape.item(),
    color: color.item(),
    edges: Math.sqrt(square.item()) * CELL,
    tens: tens.item(),
    units: units.item(),
  };
}
