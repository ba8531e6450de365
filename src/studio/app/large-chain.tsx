/** @file One chain over the whole page, with the next and the previous of its group by the arrow keys. */

import { useEffect, useRef } from "preact/hooks";
import type { ChainLine } from "../studio-data.ts";
import { Advantage, ChainParts, type ChainProps } from "./chain-card.tsx";

interface LargeChainProps extends Omit<ChainProps, "chain"> {
  readonly chains: readonly ChainLine[];
  readonly shown: ChainLine;
  readonly onShow: (line: number) => void;
  readonly onClose: () => void;
}

export function LargeChain({ chains, shown, onShow, onClose, ...props }: LargeChainProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current!.showModal(), []);
  const at = chains.indexOf(shown);
  const move = (by: number) => {
    const to = chains[at + by];
    if (to) onShow(to.line);
  };
  return (
    <dialog
      ref={dialog}
      class="large"
      aria-label={`Chain ${at + 1} of ${chains.length}`}
      onClose={onClose}
      onKeyDown={(event) => {
        const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
        if (by === undefined) return;
        event.preventDefault();
        move(by);
      }}
    >
      <header>
        <h2>
          Chain {at + 1} <span>of {chains.length}</span>
        </h2>
        <p class="question" dir="auto">
          {shown.question} <b>{shown.answer}</b>
        </p>
        <Advantage advantage={shown.advantage} />
        <button type="button" class="icon" onClick={() => move(-1)} disabled={at === 0} aria-label="Previous chain">
          ‹
        </button>
        <button
          type="button"
          class="icon"
          onClick={() => move(1)}
          disabled={at === chains.length - 1}
          aria-label="Next chain"
        >
          ›
        </button>
        <button type="button" class="icon" onClick={() => dialog.current?.close()} aria-label="Close">
          ×
        </button>
      </header>
      <ChainParts key={shown.line} {...props} chain={shown} />
    </dialog>
  );
}
