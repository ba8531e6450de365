/** @file An image with the boxes that a chain wrote. Boxes are in pixels of the stored image and scale with it at any size. */

import { outline, type Quad } from "../../report/box-drawing.ts";
import { ofRun } from "./server.ts";

/** The address of an image that a line names, e.g. `images/<sha256>.png`. */
export function imageOf(run: string, image: string): string {
  return ofRun(run, "images", image.slice(image.lastIndexOf("/") + 1));
}

interface BoxedImageProps {
  readonly src: string;
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly { readonly box: Quad }[];
  /** True boxes, drawn dashed. */
  readonly truth?: readonly Quad[];
  /** The box that is pointed at, here or in the text. */
  readonly lit: number | undefined;
  readonly onPoint: (box: number | undefined) => void;
  /** What a reader who does not see the image is told. */
  readonly label: string;
}

export function BoxedImage({ src, width, height, boxes, truth = [], lit, onPoint, label }: BoxedImageProps) {
  const stateOf = (i: number) => (lit === undefined ? "" : lit === i ? " lit" : " dim");
  return (
    <div class="boxed" style={{ "--ratio": width / height }} onPointerLeave={() => onPoint(undefined)}>
      <img src={src} alt={label} width={width} height={height} draggable={false} />
      <svg viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
        {truth.map((quad, i) => (
          <g key={`truth ${i}`} class="truth">
            <path class="under" d={outline(quad)} />
            <path d={outline(quad)} />
          </g>
        ))}
        {boxes.map(({ box }, i) => (
          // biome-ignore lint/a11y/noStaticElementInteractions: with the keyboard a box is found by its words
          <g
            key={i}
            class={`box b${i % 8}${stateOf(i)}`}
            data-box={i}
            onPointerEnter={() => onPoint(i)}
            onClick={() => onPoint(i)}
          >
            <path class="under" d={outline(box)} />
            <path class="line" d={outline(box)} />
          </g>
        ))}
      </svg>
      {boxes.map(({ box }, i) => (
        <Label key={i} box={box} width={width} height={height} at={i} state={stateOf(i)} />
      ))}
    </div>
  );
}

/** A box's number over its top left corner, or in it where there is no room above: as large on every picture. */
function Label({ box: [x1, y1, x2, y2], width, height, at, state }: LabelProps) {
  const [left, top] = [inside(Math.min(x1, x2) / width), inside(Math.min(y1, y2) / height)];
  const place = { left: `${left * 100}%`, top: `${top * 100}%` };
  return (
    <span class={`label b${at % 8}${state}${top > ROOM ? " above" : ""}`} style={place} aria-hidden="true">
      {at + 1}
    </span>
  );
}

interface LabelProps {
  readonly box: Quad;
  readonly width: number;
  readonly height: number;
  readonly at: number;
  readonly state: string;
}

/** The share of the height that a number takes on a small picture. */
const ROOM = 0.1;

/** Within the picture, with room for a number before its right and lower edge. */
function inside(share: number): number {
  return Math.min(Math.max(share, 0), 1 - ROOM);
}
