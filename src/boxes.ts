/**
 * @file Boxes: conversion between their spaces, areas, unions and matchings. A rectangle with x1 >= x2 or y1 >= y2
 * covers nothing. Edges are continuous coordinates, so a box's width is x2 - x1 (no +1 for pixels).
 */

import type { Box, Frame, Space } from "./records.ts";

/** A box in the space named. @example box("image", 4, 8, 40, 60) */
export function box<S extends Space>(space: S, x1: number, y1: number, x2: number, y2: number): Box<S> {
  return { space, x1, y1, x2, y2 };
}

/** Width and height of the whole image in that space: the largest coordinates a box inside it can have. */
export function extent(space: Space, frame: Frame): readonly [width: number, height: number] {
  if (space === "image") return [frame.imageWidth, frame.imageHeight];
  if (space === "frame") return [frame.frameWidth, frame.frameHeight];
  return [1000, 1000];
}

/**
 * The same box in another space, by the recorded resize of its image. Floats are kept exact and nothing is
 * rounded or clipped.
 */
export function toSpace<S extends Space>(from: Box, space: S, frame: Frame): Box<S> {
  const [fromWidth, fromHeight] = extent(from.space, frame);
  const [width, height] = extent(space, frame);
  const x = (value: number) => (width === fromWidth ? value : (value * width) / fromWidth);
  const y = (value: number) => (height === fromHeight ? value : (value * height) / fromHeight);
  return box(space, x(from.x1), y(from.y1), x(from.x2), y(from.y2));
}

/** Area in squared units of the box's space; 0 when degenerate. */
export function area({ x1, y1, x2, y2 }: Box): number {
  return x1 < x2 && y1 < y2 ? (x2 - x1) * (y2 - y1) : 0;
}

/** Area covered by any of the boxes, each point counted once. Exact for integer boxes. The boxes share one space. */
export function unionArea<S extends Space>(boxes: readonly Box<S>[]): number {
  const solid = boxes.filter((b) => area(b) > 0).sort((a, b) => a.y1 - b.y1);
  const edges = [...new Set(solid.flatMap((b) => [b.x1, b.x2]))].sort((a, b) => a - b);
  let total = 0;
  for (let i = 0; i + 1 < edges.length; i++) {
    const [left, right] = [edges[i]!, edges[i + 1]!];
    let covered = 0;
    let reached = Number.NEGATIVE_INFINITY;
    for (const b of solid) {
      if (b.x1 > left || b.x2 < right || b.y2 <= reached) continue;
      covered += b.y2 - Math.max(b.y1, reached);
      reached = b.y2;
    }
    total += covered * (right - left);
  }
  return total;
}

/**
 * Grounding IoU of two box sets (the paper's GIoU): area(∪pred ∩ ∪truth) / area(∪pred ∪ ∪truth).
 * 0 when neither set covers anything.
 */
export function unionIoU<S extends Space>(pred: readonly Box<S>[], truth: readonly Box<S>[]): number {
  const both = unionArea([...pred, ...truth]);
  if (both === 0) return 0;
  const common = unionArea(pred) + unionArea(truth) - both;
  return Math.min(1, Math.max(0, common / both));
}

/** Area that both boxes cover; 0 where they only touch. */
export function commonArea<S extends Space>(a: Box<S>, b: Box<S>): number {
  const width = Math.min(a.x2, b.x2) - Math.max(a.x1, b.x1);
  const height = Math.min(a.y2, b.y2) - Math.max(a.y1, b.y1);
  const solid = area(a) > 0 && area(b) > 0;
  return solid && width > 0 && height > 0 ? width * height : 0;
}

/** Intersection over union of two boxes, in [0, 1]; 0 when neither covers anything. */
export function iou<S extends Space>(a: Box<S>, b: Box<S>): number {
  const common = commonArea(a, b);
  const either = area(a) + area(b) - common;
  return either === 0 ? 0 : common / either;
}

/** The largest number of one-to-one pairs (pred, truth) with IoU >= threshold: an optimal assignment (Kuhn's algorithm). */
export function matchCount<S extends Space>(
  pred: readonly Box<S>[],
  truth: readonly Box<S>[],
  threshold: number,
): number {
  const fits = pred.map((p) => truth.flatMap((t, j) => (iou(p, t) >= threshold ? [j] : [])));
  const partner = new Array<number>(truth.length).fill(-1);
  const place = (i: number, tried: Set<number>): boolean => {
    for (const j of fits[i]!) {
      if (tried.has(j)) continue;
      tried.add(j);
      if (partner[j] === -1 || place(partner[j]!, tried)) {
        partner[j] = i;
        return true;
      }
    }
    return false;
  };
  return pred.filter((_, i) => place(i, new Set())).length;
}

/**
 * F1 of two box sets under the best one-to-one matching at an IoU threshold: 2·matches / (|pred| + |truth|).
 * Two empty sets agree: 1.
 */
export function boxF1<S extends Space>(pred: readonly Box<S>[], truth: readonly Box<S>[], threshold: number): number {
  if (pred.length + truth.length === 0) return 1;
  return (2 * matchCount(pred, truth, threshold)) / (pred.length + truth.length);
}
