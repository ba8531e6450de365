/** @file A chain as text: its boxes marked in the colours of the picture, its tags styled. */

import type { BoxLine } from "../run/lines.ts";
import { type Html, html } from "./html.ts";

const TAG = /(<\/?(?:think|rethink|answer)>)/;

/** Marks each box's characters. Ranges that overlap an earlier one or lie outside the text stay plain. */
export function chainText(text: string, boxes: readonly BoxLine[]): Html {
  const ordered = boxes.map((box, index) => ({ ...box, index })).sort((a, b) => a.start - b.start);
  const pieces: Html[] = [];
  let at = 0;
  for (const box of ordered) {
    if (box.start < at || box.end <= box.start || box.end > text.length) continue;
    pieces.push(tagged(text.slice(at, box.start)), marked(text.slice(box.start, box.end), box, box.index));
    at = box.end;
  }
  pieces.push(tagged(text.slice(at)));
  return text.trim() === "" ? html`<p class="text empty">(empty)</p>` : html`<p class="text" dir="auto">${pieces}</p>`;
}

function marked(text: string, box: BoxLine, index: number): Html {
  const flaws = [
    box.duplicate && "written before",
    box.degenerate && "has no area",
    box.outOfBounds && "reaches outside the image",
  ].filter((flaw) => typeof flaw === "string");
  return html`<mark class="b${index % 8}" data-box="${index}" title="box ${index + 1}${flaws.map((flaw) => `, ${flaw}`)}"
    >${text}${flaws.length > 0 && html`<sup>!</sup>`}</mark>`;
}

function tagged(text: string): Html {
  return html`${text.split(TAG).map((piece, i) => (i % 2 === 1 ? html`<span class="tag">${piece}</span>` : piece))}`;
}
