/** @file One chain: its image with boxes beside its text, its reward term by term, its advantage. */

import { useState } from "preact/hooks";
import { fraction, signed2 } from "../../report/number-format.ts";
import type { ScoreLine } from "../../run/lines.ts";
import type { ChainLine, ChainTokens } from "../studio-data.ts";
import { BoxedImage, imageOf } from "./boxed-image.tsx";
import { sideOf } from "./group-list.tsx";
import { MarkedText } from "./marked-text.tsx";
import { ofRun, useAsked } from "./server.ts";

export interface ChainProps {
  readonly run: string;
  readonly step: number;
  readonly chain: ChainLine;
  /** The score of a full bar. */
  readonly highest: number;
  readonly byToken: boolean;
}

interface ChainCardProps extends ChainProps {
  /** Its place in the group, from 1. */
  readonly place: number;
  /** It is not what the filter wants. */
  readonly isOther: boolean;
  readonly onEnlarge: () => void;
}

export function ChainCard({ place, isOther, onEnlarge, ...props }: ChainCardProps) {
  const { chain } = props;
  return (
    <article class={`card${isOther ? " other" : ""}`} aria-label={`Chain ${place}`}>
      <header>
        <h2>Chain {place}</h2>
        <Advantage advantage={chain.advantage} />
        <button type="button" class="icon" onClick={onEnlarge} aria-label={`Enlarge chain ${place}`} title="Enlarge">
          ⤢
        </button>
      </header>
      <ChainParts {...props} />
    </article>
  );
}

/** The parts of a chain that belong together: a box and its words light each other. */
export function ChainParts({ run, step, chain, highest, byToken }: ChainProps) {
  const [lit, point] = useState<number | undefined>(undefined);
  const tokens = useAsked<ChainTokens>(byToken ? ofRun(run, "steps", step, "tokens", chain.line) : undefined);
  return (
    <div class="parts">
      <div class="seen">
        <BoxedImage
          src={imageOf(run, chain.image)}
          width={chain.width}
          height={chain.height}
          boxes={chain.boxes}
          lit={lit}
          onPoint={point}
          label={described(chain)}
        />
      </div>
      <div class="said">
        <MarkedText text={chain.text} boxes={chain.boxes} lit={lit} onPoint={point} tokens={tokens.answer} />
        {chain.ending !== "stop" && (
          <p class="note">{chain.ending === "length" ? "Cut off at the token limit." : chain.ending}</p>
        )}
        {byToken && tokens.fault && <p class="note">{tokens.fault}</p>}
      </div>
      <Terms chain={chain} highest={highest} />
    </div>
  );
}

/** What the picture shows, in words. */
function described({ boxes, question }: ChainLine): string {
  if (boxes.length === 0) return `The image of the question: ${question} The chain draws no box.`;
  const places = boxes.map(({ box }, i) => `${i + 1}: from ${box[0]}, ${box[1]} to ${box[2]}, ${box[3]}`);
  return `The image of the question: ${question} Boxes in pixels: ${places.join("; ")}`;
}

/** How it compares with its group: right of the middle it is made likelier, left of it less likely. */
export function Advantage({ advantage }: { advantage: number | null }) {
  const side = sideOf(advantage);
  const length = Math.min(Math.abs(advantage ?? 0) / 2, 1) * 50;
  return (
    <p
      class={`advantage ${side}`}
      title="How it compares with its group: above zero it is made likelier, below zero less likely."
    >
      <span>advantage</span>
      <span class="rail" aria-hidden="true">
        <i style={side === "bad" ? { right: "50%", width: `${length}%` } : { left: "50%", width: `${length}%` }} />
      </span>
      <b>{signed2(advantage)}</b>
    </p>
  );
}

function Terms({ chain, highest }: { chain: ChainLine; highest: number }) {
  return (
    <table class="terms">
      <caption class="unseen">Reward by term</caption>
      <tbody>
        {Object.entries(chain.terms).map(([name, score]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td class="bar" aria-hidden="true">
              {typeof score === "number" && (
                <i style={{ width: `${Math.max(0, Math.min(1, score / highest)) * 100}%` }} />
              )}
            </td>
            <td>
              <Score score={score} />
            </td>
          </tr>
        ))}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row">reward</th>
          <td class="bar" aria-hidden="true" />
          <td>
            <Score score={chain.total} />
          </td>
        </tr>
      </tfoot>
    </table>
  );
}

function Score({ score }: { score: ScoreLine }) {
  if (typeof score === "number") return <>{fraction(score)}</>;
  return <span title={score?.unscored}>unscored</span>;
}
