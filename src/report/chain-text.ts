/** @file A chain as text: its boxes marked in the colours of the picture, its tags styled. */

import type { BoxLine } from "../run/lines.ts";
import { chainSpans, type Span } from "./chain-spans.ts";
import { type Html, html } from "./html.ts";

/** Marks each box's characters, and the tags. */
export function chainText(text: string, boxes: readonly BoxLine[]): Html {
  if (text.trim() === "") return html`<p class="text empty">(empty)</p>`;
  return html`<p class="text" dir="auto">${chainSpans(text, boxes).map(spanHtml)}</p>`;
}

function spanHtml({ kind, text, box, flaws = [] }: Span): Html {
  if (kind === "tag") return html`<span class="tag">${text}</span>`;
  if (box === undefined) return html`${text}`;
  return html`<mark class="b${box % 8}" data-box="${box}" title="box ${box + 1}${flaws.map((flaw) => `, ${flaw}`)}"
    >${text}${flaws.length > 0 && html`<sup>!</sup>`}</mark>`;
}
