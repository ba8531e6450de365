/**
 * @file Qwen2.5-VL's vision tower and connector (transformers: `Qwen2_5_VisionTransformerPretrainedModel`).
 *
 * Patches stay in the order the processor writes them, merge unit by merge unit. The reference permutes them into
 * windows and back; here each attention layer gathers its own segments (windows, or whole images), which gives the same
 * numbers and lets segments of equal length from many images share one kernel call.
 *
 * Shapes: P patches of all images, M = P / merge² merged patches, H heads, E head width, D hidden.
 */
import type { ImageInput } from "../../records.ts";
import {
  add,
  attention,
  cast,
  cat,
  floats,
  gated,
  gelu,
  indexSelect,
  ints,
  linear as linearOp,
  reshape,
  split,
  toDevice,
  transpose,
} from "../../torch/ops.ts";
import type { DType, Tensor } from "../../torch/tensor.ts";
import { attentionType } from "../attention.ts";
import { normKept, sumValues, type TowerCost } from "../block-cost.ts";
import { columnsMissing, linear, rmsNorm, rotate, rotation } from "../layers.ts";
import type { Rotation } from "../model.ts";
import { Shapes } from "../parameter-shapes.ts";
import { type Run, runsOf } from "../runs.ts";
import type { Stages } from "../stages.ts";
import type { Weights } from "../weights.ts";
import type { Qwen2_5_VLConfig } from "./qwen-vl-config.ts";

type Config = Qwen2_5_VLConfig["vision"];
const EPS = 1e-6;
const PREFIX = "model.visual";

/** Parameters of the tower and the connector. */
export function visionShapes(config: Config): Shapes {
  const { hidden_size: D, intermediate_size: F } = config;
  const merged = D * config.spatial_merge_size ** 2;
  const patch = [config.in_channels, config.temporal_patch_size, config.patch_size, config.patch_size];
  const shapes = new Shapes([[`${PREFIX}.patch_embed.proj.weight`, [D, ...patch]]]);
  for (let i = 0; i < config.depth; i++) {
    const block = `${PREFIX}.blocks.${i}`;
    shapes.set(`${block}.norm1.weight`, [D]).set(`${block}.norm2.weight`, [D]);
    shapes.linear(`${block}.attn.qkv`, 3 * D, D).linear(`${block}.attn.proj`, D, D);
    for (const name of ["gate_proj", "up_proj"]) shapes.linear(`${block}.mlp.${name}`, F, D);
    shapes.linear(`${block}.mlp.down_proj`, D, F);
  }
  shapes.set(`${PREFIX}.merger.ln_q.weight`, [D]);
  return shapes
    .linear(`${PREFIX}.merger.mlp.0`, merged, merged)
    .linear(`${PREFIX}.merger.mlp.2`, config.out_hidden_size, merged);
}

/** The blocks of the tower and, last, the connector's output for the images, one after another: [M, out_hidden_size]. */
export function visionStages(config: Config, weights: Weights, images: readonly ImageInput[]): Stages {
  const { device } = weights;
  const grids = images.map((image) => image.grid_thw);
  const turn = visionRotation(config, grids, weights.dtype === "float64" ? "float64" : "float32", device);
  const windows = new Segments(windowsOf(config, grids), device);
  const whole = new Segments(framesOf(grids), device);
  const blocks = Array.from({ length: config.depth }, (_, i) => (x_PD: Tensor) => {
    const segments = config.fullatt_block_indexes.includes(i) ? whole : windows;
    return towerBlock(config, weights, `${PREFIX}.blocks.${i}`, x_PD, turn, segments);
  });
  return {
    first: () => pixelsOf(config, weights, images),
    rest: [(pixels_PW) => embed(config, weights, pixels_PW), ...blocks, (x_PD) => connect(config, weights, x_PD)],
  };
}

/** What the tower takes of the memory, a patch. */
export function visionCost(config: Config, isHalf: boolean): TowerCost {
  const { hidden_size: D, intermediate_size: F, out_hidden_size, spatial_merge_size } = config;
  const norm = normKept(D, isHalf);
  const unit = spatial_merge_size ** 2;
  return {
    rowsPerPatch: 1,
    pixels: patchWidth(config),
    width: D,
    blocks: config.depth,
    block: {
      // Queries, keys and values in segments, what attention made, and again in the patches' order; the sum after it; gate, up,
      // their product.
      kept: sumValues(norm, norm, { attention: 4 * D, compute: 2 * D + 3 * F }),
      forward: sumValues(norm, norm, { attention: isHalf ? 8 * D : 5 * D, compute: 14 * D + 3 * F }),
      backward: { compute: 3 * F + 2 * D },
    },
    connector: {
      kept: sumValues(norm, { compute: 2 * D + out_hidden_size / unit }),
      forward: sumValues(norm, { compute: 2 * D + out_hidden_size / unit }),
      backward: { compute: 2 * D },
    },
  };
}

/** Patches as the processor wrote them: [P, values of a patch]. */
function pixelsOf(config: Config, weights: Weights, images: readonly ImageInput[]): Tensor {
  const width = patchWidth(config);
  const pixels_PW = cat(
    images.map(({ pixels }) => floats(pixels, [pixels.length / width, width])),
    0,
  );
  return cast(toDevice(pixels_PW, weights.device), weights.dtype);
}

/** Patches as the first block takes them: [P, D]. */
function embed(config: Config, weights: Weights, pixels_PW: Tensor): Tensor {
  const weight = weights.get(`${PREFIX}.patch_embed.proj.weight`);
  return linearOp(pixels_PW, reshape(weight, [config.hidden_size, patchWidth(config)]));
}

function patchWidth({ in_channels, temporal_patch_size, patch_size }: Config): number {
  return in_channels * temporal_patch_size * patch_size ** 2;
}

/** The connector: squares of patches become one token each. */
function connect(config: Config, weights: Weights, x_PD: Tensor): Tensor {
  const unit = config.spatial_merge_size ** 2;
  const normed = rmsNorm(weights, `${PREFIX}.merger.ln_q`, x_PD, EPS);
  const merged_MD = reshape(normed, [normed.size(0) / unit, unit * config.hidden_size]);
  return linear(weights, `${PREFIX}.merger.mlp.2`, gelu(linear(weights, `${PREFIX}.merger.mlp.0`, merged_MD)));
}

function towerBlock(
  config: Config,
  weights: Weights,
  block: string,
  x_PD: Tensor,
  turn: Rotation,
  segments: Segments,
): Tensor {
  const normed_PD = rmsNorm(weights, `${block}.norm1`, x_PD, EPS);
  const seen_PD = add(x_PD, selfAttention(config, weights, block, normed_PD, turn, segments));
  return add(seen_PD, mlp(config, weights, `${block}.mlp`, rmsNorm(weights, `${block}.norm2`, seen_PD, EPS)));
}

function selfAttention(
  config: Config,
  weights: Weights,
  block: string,
  x_PD: Tensor,
  turn: Rotation,
  segments: Segments,
): Tensor {
  const P = x_PD.size(0);
  const H = config.num_heads;
  const E = config.hidden_size / H;
  const qkv = reshape(linear(weights, `${block}.attn.qkv`, x_PD), [P, 3 * H, E]);
  const [qk, v] = split(qkv, [2 * H, H], 1) as [Tensor, Tensor];
  const out_PD = segments.attend(cat([rotate(qk, turn), v], 1));
  return linear(weights, `${block}.attn.proj`, out_PD);
}

function mlp(config: Config, weights: Weights, prefix: string, x: Tensor): Tensor {
  // The released towers are 3,420 wide, which is no multiple of 8.
  const missing = columnsMissing(weights, config.intermediate_size);
  const into = (name: string) => linear(weights, `${prefix}.${name}`, x, { out: missing });
  return linear(weights, `${prefix}.down_proj`, gated(into("gate_proj"), into("up_proj")), { in: missing });
}

/** Patches that look at each other and at no others, as lists of patch indices; attended in groups of equal length. */
class Segments {
  readonly #groups: readonly Run[];
  readonly #order: Tensor;
  readonly #inverse: Tensor;

  constructor(segments: readonly (readonly number[])[], device: string) {
    const sorted = [...segments].sort((a, b) => a.length - b.length);
    this.#groups = runsOf(sorted.map(({ length }) => length));
    const order = sorted.flat();
    const inverse = new Array<number>(order.length);
    for (const [to, from] of order.entries()) inverse[from] = to;
    this.#order = toDevice(ints(order), device);
    this.#inverse = toDevice(ints(inverse), device);
  }

  /** qkv [P, 3*H, E] → [P, H*E]. */
  attend(qkv: Tensor): Tensor {
    const [P, threeH, E] = qkv.shape as [number, number, number];
    const H = threeH / 3;
    const parts = split(
      indexSelect(cast(qkv, attentionType(qkv.dtype, qkv.device)), 0, this.#order),
      this.#groups.map(({ count, length }) => count * length),
      0,
    );
    const outs = this.#groups.map(({ count, length }, i) => {
      const [q, k, v] = split(transpose(reshape(parts[i]!, [count, length, threeH, E]), 1, 2), [H, H, H], 1) as [
        Tensor,
        Tensor,
        Tensor,
      ];
      return reshape(transpose(attention(q, k, v), 1, 2), [count * length, H * E]);
    });
    return cast(reshape(indexSelect(cat(outs, 0), 0, this.#inverse), [P, H * E]), qkv.dtype);
  }
}

type Grid = readonly [number, number, number];

/** For every patch, in the processor's order, its row and column in the image's patch grid. */
function eachPatch([t, h, w]: Grid, merge: number, visit: (row: number, column: number, frame: number) => void): void {
  for (let frame = 0; frame < t; frame++)
    for (let y = 0; y < h; y += merge)
      for (let x = 0; x < w; x += merge)
        for (let dy = 0; dy < merge; dy++) for (let dx = 0; dx < merge; dx++) visit(y + dy, x + dx, frame);
}

/** Two-dimensional rotary angles: the first quarter of a head turns by the row, the second by the column. */
function visionRotation(config: Config, grids: readonly Grid[], dtype: DType, device: string): Rotation {
  const E = config.hidden_size / config.num_heads;
  const quarter = E / 4;
  const frequencies = Float32Array.from({ length: quarter }, (_, i) => 1 / 10000 ** ((2 * i) / (E / 2)));
  const patches = grids.reduce((sum, [t, h, w]) => sum + t * h * w, 0);
  const angles = new Float32Array(patches * 2 * quarter);
  let at = 0;
  for (const grid of grids)
    eachPatch(grid, config.spatial_merge_size, (row, column) => {
      for (let f = 0; f < quarter; f++) {
        angles[at + f] = row * frequencies[f]!;
        angles[at + quarter + f] = column * frequencies[f]!;
      }
      at += 2 * quarter;
    });
  return rotation(angles, patches, dtype, device);
}

/** Every image's frames: the segments of the full-attention blocks. */
function framesOf(grids: readonly Grid[]): number[][] {
  const frames: number[][] = [];
  let start = 0;
  for (const [t, h, w] of grids)
    for (let frame = 0; frame < t; frame++) {
      frames.push(Array.from({ length: h * w }, (_, i) => start + i));
      start += h * w;
    }
  return frames;
}

/** Square windows of `window_size` pixels, cut off at the image's right and bottom edges. */
function windowsOf(config: Config, grids: readonly Grid[]): number[][] {
  const merge = config.spatial_merge_size;
  const side = Math.floor(config.window_size / merge / config.patch_size) * merge;
  const all: number[][] = [];
  let patch = 0;
  for (const grid of grids) {
    const [t, h, w] = grid;
    const [down, across] = [Math.ceil(h / side), Math.ceil(w / side)];
    const windows = Array.from({ length: t * down * across }, (): number[] => []);
    eachPatch(grid, merge, (row, column, frame) => {
      const window = (frame * down + Math.floor(row / side)) * across + Math.floor(column / side);
      windows[window]!.push(patch++);
    });
    for (const window of windows) all.push(window);
  }
  return all;
}
