/** @file The text of a chain: boxes in the colours of the picture, tags set back, tokens coloured by their probability. */

import type { ComponentChildren } from "preact";
import { chainSpans, type Span } from "../../report/chain-spans.ts";
import type { BoxLine } from "../../run/lines.ts";
import type { ChainTokens } from "../studio-data.ts";

interface MarkedTextProps {
  readonly text: string;
  readonly boxes: readonly BoxLine[];
  readonly lit: number | undefined;
  readonly onPoint: (box: number | undefined) => void;
  readonly tokens?: ChainTokens | undefined;
}

export function MarkedText({ text, boxes, lit, onPoint, tokens }: MarkedTextProps) {
  if (text.trim() === "") return <p class="text empty">(empty)</p>;
  return (
    <p class={`text${tokens ? " by-token" : ""}`} dir="auto" onPointerLeave={() => onPoint(undefined)}>
      {chainSpans(text, boxes).map((span) => (
        <Piece key={span.start} span={span} lit={lit} onPoint={onPoint}>
          {tokens ? tokensIn(span, tokens) : span.text}
        </Piece>
      ))}
    </p>
  );
}

interface PieceProps {
  readonly span: Span;
  readonly lit: number | undefined;
  readonly onPoint: (box: number | undefined) => void;
  readonly children: ComponentChildren;
}

function Piece({ span: { kind, box, flaws = [] }, lit, onPoint, children }: PieceProps) {
  if (kind === "tag") return <span class="tag">{children}</span>;
  if (box === undefined) return <>{children}</>;
  const state = lit === undefined ? "" : lit === box ? " lit" : " dim";
  const name = `box ${box + 1}${flaws.map((flaw) => `, ${flaw}`).join("")}`;
  return (
    <mark
      class={`b${box % 8}${state}`}
      data-box={box}
      title={name}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a box is found by its words with the keyboard too
      tabIndex={0}
      onPointerEnter={() => onPoint(box)}
      onFocus={() => onPoint(box)}
      onBlur={() => onPoint(undefined)}
    >
      {children}
      {flaws.length > 0 && <sup>!</sup>}
    </mark>
  );
}

/** The tokens that lie in a span, as deep in colour as they were unlikely. */
function tokensIn({ text, start }: Span, { ends, logprobs }: ChainTokens): ComponentChildren {
  const end = start + text.length;
  return ends.flatMap((tokenEnd, i): ComponentChildren[] => {
    const tokenStart = i === 0 ? 0 : ends[i - 1]!;
    const [from, to] = [Math.max(tokenStart, start), Math.min(tokenEnd, end)];
    if (from >= to) return [];
    const logprob = logprobs[i] ?? null;
    const words = text.slice(from - start, to - start);
    if (logprob === null) return [words];
    return [
      <span
        key={i}
        class="token"
        title={`probability ${probability(logprob)}, log ${logprob.toFixed(3)}`}
        style={{ "--doubt": Math.min(1, -logprob / DEEPEST).toFixed(3) }}
      >
        {words}
      </span>,
    ];
  });
}

/** The log-probability from which the colour is deepest: one in ten. */
const DEEPEST = Math.log(10);

function probability(logprob: number): string {
  const p = Math.exp(logprob);
  return p > 0.9995 ? "1.00" : p < 0.001 ? p.toExponential(0) : p.toFixed(p < 0.1 ? 3 : 2);
}
