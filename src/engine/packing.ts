/**
 * @file Prompts and completions to packs: end to end, prompts shared, cut by a token budget. A prompt is shared by the
 * completions that continue it. This is the one place that lays out positions.
 */
import type { Model, Pack, Positions, Tree } from "../models/model.ts";
import type { ImageInput, Prompt } from "../records.ts";

/** A prompt and what continues it, each continuation blind to the others. */
export interface Bundle {
  readonly prompt: Prompt;
  readonly branches: readonly Branch[];
}

/** A continuation: tokens that are only read, then tokens whose prediction matters. */
export interface Branch {
  readonly context: readonly number[];
  readonly ids: readonly number[];
}

/** Where a branch's ids are predicted from: `rows[i]` is the pack row whose logits predict `ids[i]`. */
export interface Span {
  readonly rows: readonly number[];
  readonly ids: readonly number[];
}

/** Lays bundles end to end; `spans[b]` are those of bundle b's branches, in order. */
export function pack(model: Model, bundles: readonly Bundle[]): { pack: Pack; spans: Span[][] } {
  const ids: number[] = [];
  const positions: number[][] = [];
  const trees: Tree[] = [];
  const images: ImageInput[] = [];
  const spans: Span[][] = [];
  for (const { prompt, branches } of bundles) {
    const root = model.positions(prompt.ids, prompt.images);
    append(positions, root);
    ids.push(...prompt.ids);
    images.push(...prompt.images);
    const last = ids.length - 1;
    spans.push(
      branches.map((branch) => {
        const start = ids.length + branch.context.length;
        ids.push(...branch.context, ...branch.ids);
        append(positions, continuation(root, branchTokens(branch)));
        const before = branch.context.length ? start - 1 : last;
        return { rows: branch.ids.map((_, i) => (i === 0 ? before : start + i - 1)), ids: branch.ids };
      }),
    );
    trees.push({ root: prompt.ids.length, branches: branches.map(branchTokens) });
  }
  return { pack: { ids, positions, trees, images }, spans };
}

/** Positions of `length` tokens after a prompt: all rows go on together. */
export function continuation({ rows, next }: Positions, length: number): Positions {
  const row = Array.from({ length }, (_, i) => next + i);
  return { rows: rows.map(() => row), next: next + length };
}

function append(positions: number[][], { rows }: Positions): void {
  for (const [axis, row] of rows.entries()) {
    positions[axis] ??= [];
    for (const position of row) positions[axis].push(position);
  }
}

/** Tokens of a bundle. */
export function bundleTokens({ prompt, branches }: Bundle): number {
  return branches.reduce((total, branch) => total + branchTokens(branch), prompt.ids.length);
}

function branchTokens({ context, ids }: Branch): number {
  return context.length + ids.length;
}
