/**
 * @file What a block of a network takes of the memory, in values a row (a token, a patch), counted from the operators it calls.
 * Each architecture keeps its counts beside the code they count; the memory estimate turns them into bytes.
 */

/** Values by the type they are held in. */
export interface Values {
  /** In the type of the computation. */
  readonly compute?: number;
  /** In that of attention. */
  readonly attention?: number;
  /** In float32, whatever the computation's. */
  readonly float32?: number;
}

export interface BlockCost {
  /** What the block's gradient asks for, the block's input not among it. */
  readonly kept: Values;
  /** What its forward pass has made by its end, all of which is there until then. */
  readonly forward: Values;
  /** What its backward pass has beside what was kept, at its fullest. */
  readonly backward: Values;
}

/** A vision tower: the rows it makes of patches, and what they cost. */
export interface TowerCost {
  /** Patches of a tile, in a family that cuts images into tiles. */
  readonly tile?: number;
  /** Rows that the blocks have for each patch. */
  readonly rowsPerPatch: number;
  /** Values of a patch as it comes in. */
  readonly pixels: number;
  /** Width of a row between blocks. */
  readonly width: number;
  readonly blocks: number;
  readonly block: BlockCost;
  readonly connector: BlockCost;
}

/** RMS normalisation: the output and a row's scale; in half precision the input in float32, and normalised, instead of the scale. */
export function normKept(width: number, isHalf: boolean): Values {
  return { compute: width, float32: isHalf ? 2 * width : 1 };
}

/** Values of the same types added up. */
export function sumValues(...all: readonly Values[]): Values {
  const total = (type: keyof Values) => all.reduce((sum, values) => sum + (values[type] ?? 0), 0);
  return { compute: total("compute"), attention: total("attention"), float32: total("float32") };
}
