/**
 * @file InternVL3's vision tower and connector: InternViT, pixel shuffle, MLP. In transformers they are
 * `InternVLVisionModel` and `InternVLModel.get_image_features`, in the original `InternVisionModel` and `extract_feature`.
 * An image comes as square tiles of one size, each a picture of its own to the tower.
 *
 * Shapes: N tiles of all images, P patches of one tile, Q = 1 + P with the class token, M merged patches of all tiles,
 * H heads, E head width, D hidden.
 */
import type { ImageInput } from "../../records.ts";
import {
  add,
  attention,
  cast,
  cat,
  expand,
  floats,
  gelu,
  linear as linearOp,
  mul,
  narrow,
  permute,
  reshape,
  split,
  toDevice,
  transpose,
  upsampleBicubic,
} from "../../torch/ops.ts";
import type { Tensor } from "../../torch/tensor.ts";
import type { TowerCost } from "../block-cost.ts";
import { layerNorm, linear, rmsNorm } from "../layers.ts";
import { Shapes } from "../parameter-shapes.ts";
import type { Stages } from "../stages.ts";
import type { Weights } from "../weights.ts";
import type { InternVLConfig } from "./internvl-config.ts";

type Vision = InternVLConfig["vision"];
export const TOWER = "model.vision_tower";
export const POSITIONS = `${TOWER}.embeddings.position_embeddings`;
export const CONNECTOR = "model.multi_modal_projector";
const CONNECTOR_EPS = 1e-5;
/** Amplitude of fresh positions, beside fresh patches of 1.5: at 1 edges and colours come later, at 4 nothing sooner. */
const POSITION_SCALE = 2;

/** Parameters of the tower and the connector. */
export function visionShapes({ vision, text, downsample_ratio }: InternVLConfig): Shapes {
  const { hidden_size: D, intermediate_size: F, patch_size, attention_bias } = vision;
  const merged = D * Math.round(1 / downsample_ratio) ** 2;
  const embeddings = `${TOWER}.embeddings`;
  const shapes = new Shapes([
    [`${embeddings}.cls_token`, [1, 1, D]],
    [POSITIONS, [1, 1 + Math.floor(vision.image_size / patch_size) ** 2, D]],
    [`${embeddings}.patch_embeddings.projection.weight`, [D, vision.num_channels, patch_size, patch_size]],
    [`${embeddings}.patch_embeddings.projection.bias`, [D]],
  ]);
  for (let i = 0; i < vision.num_hidden_layers; i++) {
    const block = `${TOWER}.encoder.layer.${i}`;
    shapes.set(`${block}.lambda_1`, [D]).set(`${block}.lambda_2`, [D]);
    for (const name of ["layernorm_before", "layernorm_after"])
      shapes.norm(`${block}.${name}`, D, vision.norm_type === "layer_norm");
    if (vision.fused_attention) shapes.linear(`${block}.attention.qkv`, 3 * D, D, attention_bias);
    else for (const name of ["q", "k", "v"]) shapes.linear(`${block}.attention.${name}_proj`, D, D, attention_bias);
    if (vision.use_qk_norm) for (const name of ["q", "k"]) shapes.norm(`${block}.attention.${name}_norm`, D, false);
    shapes.linear(`${block}.attention.projection_layer`, D, D);
    shapes.linear(`${block}.mlp.fc1`, F, D).linear(`${block}.mlp.fc2`, D, F);
  }
  return shapes
    .norm(`${CONNECTOR}.layer_norm`, merged, true)
    .linear(`${CONNECTOR}.linear_1`, text.hidden_size, merged)
    .linear(`${CONNECTOR}.linear_2`, text.hidden_size, text.hidden_size);
}

/**
 * What the table of positions [1, Q, D] begins as: sines and cosines of row and column, none for the class token. From
 * noise, a tower learns in hundreds of steps what here it has at once: which patches are neighbours.
 */
export function freshPositions({ image_size, patch_size, hidden_size: D }: Vision): number[] {
  const side = Math.floor(image_size / patch_size);
  const table = new Array<number>(D).fill(0);
  for (let row = 0; row < side; row++)
    for (let column = 0; column < side; column++)
      for (let i = 0; i < D; i++) {
        const angle = (i % 2 ? row : column) * (2 * side) ** -(Math.floor(i / 4) / (D / 4));
        table.push(POSITION_SCALE * (i % 4 < 2 ? Math.sin(angle) : Math.cos(angle)));
      }
  return table;
}

/** The layers of the tower and, last, the connector's output for the tiles of the images: [M, hidden size of the language model]. */
export function visionStages(config: InternVLConfig, weights: Weights, images: readonly ImageInput[]): Stages {
  const { vision } = config;
  const [, rows, columns] = images[0]!.grid_thw;
  const layers = Array.from(
    { length: vision.num_hidden_layers },
    (_, i) => (x_NQD: Tensor) => towerLayer(vision, weights, `${TOWER}.encoder.layer.${i}`, x_NQD),
  );
  return {
    first: () => pixelsOf(vision, weights, images),
    rest: [
      (pixels_NPW) => embed(vision, weights, pixels_NPW, rows, columns),
      ...layers,
      (x_NQD) => connect(config, weights, x_NQD, rows, columns),
    ],
  };
}

/** The connector: patches without the class token, squares of them become one token each. */
function connect(config: InternVLConfig, weights: Weights, x_NQD: Tensor, rows: number, columns: number): Tensor {
  const patches_NPD = narrow(x_NQD, 1, 1, rows * columns);
  const merged = pixelShuffle(patches_NPD, rows, columns, Math.round(1 / config.downsample_ratio));
  const normed = layerNorm(weights, `${CONNECTOR}.layer_norm`, merged, CONNECTOR_EPS);
  return linear(weights, `${CONNECTOR}.linear_2`, gelu(linear(weights, `${CONNECTOR}.linear_1`, normed)));
}

function towerLayer(vision: Vision, weights: Weights, layer: string, x_NQD: Tensor): Tensor {
  const scaled = (lambda: string, x: Tensor) => mul(x, weights.get(`${layer}.${lambda}`));
  const normed = norm(vision, weights, `${layer}.layernorm_before`, x_NQD);
  const seen = add(x_NQD, scaled("lambda_1", selfAttention(vision, weights, `${layer}.attention`, normed)));
  const widened = gelu(linear(weights, `${layer}.mlp.fc1`, norm(vision, weights, `${layer}.layernorm_after`, seen)));
  return add(seen, scaled("lambda_2", linear(weights, `${layer}.mlp.fc2`, widened)));
}

/** What the tower takes of the memory, a patch; a tile's class token is a row beside its patches. */
export function visionCost({ vision, text, downsample_ratio }: InternVLConfig): TowerCost {
  const { hidden_size: D, intermediate_size: F, image_size, patch_size, num_channels } = vision;
  const patches = Math.floor(image_size / patch_size) ** 2;
  const connected = text.hidden_size * downsample_ratio ** 2;
  return {
    tile: patches,
    rowsPerPatch: (patches + 1) / patches,
    pixels: num_channels * patch_size ** 2,
    width: D,
    blocks: vision.num_hidden_layers,
    block: {
      // Two norms, queries, keys and values, what attention made and again in the rows' order, the layer scales' inputs, the sum
      // after attention; the wide layer before and after its activation.
      kept: { compute: 10 * D + 2 * F },
      forward: { compute: 14 * D + 2 * F },
      backward: { compute: 2 * F + 2 * D },
    },
    connector: {
      kept: { compute: 2 * D + 2 * connected },
      forward: { compute: 3 * D + 3 * connected },
      backward: { compute: 2 * D },
    },
  };
}

/** Patches as the processor wrote them: [N, P, values of a patch]. */
function pixelsOf({ patch_size, num_channels }: Vision, weights: Weights, images: readonly ImageInput[]): Tensor {
  const width = num_channels * patch_size ** 2;
  const [, rows, columns] = images[0]!.grid_thw;
  const pixels_NPW = cat(
    images.map(({ pixels, grid_thw: [tiles] }) => floats(pixels, [tiles, rows * columns, width])),
    0,
  );
  return cast(toDevice(pixels_NPW, weights.device), weights.dtype);
}

/** Class token and patches with their positions: [N, Q, D]. */
function embed(
  { hidden_size: D }: Vision,
  weights: Weights,
  pixels_NPW: Tensor,
  rows: number,
  columns: number,
): Tensor {
  const prefix = `${TOWER}.embeddings`;
  const [tiles, , width] = pixels_NPW.shape as [number, number, number];
  const kernel = weights.get(`${prefix}.patch_embeddings.projection.weight`);
  const bias = weights.get(`${prefix}.patch_embeddings.projection.bias`);
  const patches_NPD = linearOp(pixels_NPW, reshape(kernel, [D, width]), bias);
  const classes = expand(weights.get(`${prefix}.cls_token`), [tiles, 1, D]);
  return add(cat([classes, patches_NPD], 1), positionEmbeddings(weights.get(POSITIONS), rows, columns));
}

/** The learned positions [1, Q, D]; those of another grid than the tower was made for are interpolated. */
function positionEmbeddings(table_1QD: Tensor, rows: number, columns: number): Tensor {
  const [, Q, D] = table_1QD.shape as [number, number, number];
  const side = Math.sqrt(Q - 1);
  if (rows === side && columns === side) return table_1QD;
  const grid = permute(reshape(narrow(table_1QD, 1, 1, Q - 1), [1, side, side, D]), [0, 3, 1, 2]);
  const resized = cast(upsampleBicubic(cast(grid, "float32"), [rows, columns], false), table_1QD.dtype);
  return cat([narrow(table_1QD, 1, 0, 1), reshape(permute(resized, [0, 2, 3, 1]), [1, rows * columns, D])], 1);
}

function norm({ norm_type, layer_norm_eps }: Vision, weights: Weights, prefix: string, x: Tensor): Tensor {
  return (norm_type === "layer_norm" ? layerNorm : rmsNorm)(weights, prefix, x, layer_norm_eps);
}

/** Every token of a tile looks at the whole tile: x_NQD → [N, Q, D]. */
function selfAttention(vision: Vision, weights: Weights, prefix: string, x_NQD: Tensor): Tensor {
  const [N, Q, D] = x_NQD.shape as [number, number, number];
  const H = vision.num_attention_heads;
  const [q, k, v] = vision.fused_attention
    ? (split(linear(weights, `${prefix}.qkv`, x_NQD), [D, D, D], 2) as [Tensor, Tensor, Tensor])
    : (["q_proj", "k_proj", "v_proj"].map((name) => linear(weights, `${prefix}.${name}`, x_NQD)) as [
        Tensor,
        Tensor,
        Tensor,
      ]);
  const normed = (name: string, x: Tensor) =>
    vision.use_qk_norm ? rmsNorm(weights, `${prefix}.${name}`, x, vision.qk_norm_eps) : x;
  const heads = (x: Tensor) => transpose(reshape(x, [N, Q, H, D / H]), 1, 2);
  const out = attention(heads(normed("q_norm", q)), heads(normed("k_norm", k)), heads(v));
  return linear(weights, `${prefix}.projection_layer`, reshape(transpose(out, 1, 2), [N, Q, D]));
}

/** Squares of `s` by `s` patches laid end to end, row by row: [N, rows * columns, D] → [M, s² D]. */
function pixelShuffle(x_NPD: Tensor, rows: number, columns: number, s: number): Tensor {
  const [N, , D] = x_NPD.shape as [number, number, number];
  const squares = permute(reshape(x_NPD, [N, rows / s, s, columns / s, s, D]), [0, 1, 3, 2, 4, 5]);
  return reshape(squares, [(N * rows * columns) / s ** 2, s ** 2 * D]);
}
