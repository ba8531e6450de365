/** @file How a box is drawn over its image, in pixels of the stored image: its outline, and the place of its number. */

/** [x1, y1, x2, y2]. */
export type Quad = readonly [number, number, number, number];

/** Size of an image in pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The outline as SVG path data: a path also draws what a `<rect>` would not, corners in the wrong order and boxes without area. */
export function outline([x1, y1, x2, y2]: Quad): string {
  return `M${tenth(x1)} ${tenth(y1)}H${tenth(x2)}V${tenth(y2)}H${tenth(x1)}Z`;
}

/** Height of a box's number, in pixels of the image. */
export function labelSize({ width, height }: Size): number {
  return tenth(Math.max(width, height) / 20);
}

/** Where the base line of a box's number begins: in the top left corner of the box, drawn back into the image. */
export function labelAt([x1, y1, x2, y2]: Quad, image: Size): [x: number, y: number] {
  const unit = Math.max(image.width, image.height) / 100;
  const inside = (value: number, low: number, high: number) => tenth(Math.min(Math.max(value, low), high));
  return [
    inside(Math.min(x1, x2) + unit, unit, image.width - unit * 6),
    inside(Math.min(y1, y2) + unit * 5.5, unit * 5.5, image.height - unit),
  ];
}

function tenth(value: number): number {
  return Math.round(value * 10) / 10;
}
