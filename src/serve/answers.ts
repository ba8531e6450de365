/** @file Samples the choices of one request, each as a stream of pieces and at its end as a whole. */
import { type ChainContext, parseChain } from "../chain/parse.ts";
import type { Engine, StreamedToken, StreamOptions } from "../engine/engine.ts";
import { METHODS, type MethodName } from "../prompt/methods.ts";
import type { Chain } from "../records.ts";
import { stream } from "../util/random.ts";
import type { ChatPrompt } from "./chat-prompt.ts";
import { type Piece, ReleasedText } from "./released-text.ts";

/** What chatting asks of an engine. */
export type ChatEngine = Pick<Engine, "processor" | "image" | "stream" | "death">;

/** What a request asks of its choices. */
export interface Asked extends ChatPrompt {
  readonly method: MethodName | undefined;
  readonly sampling: Omit<StreamOptions, "stop" | "onToken" | "signal">;
  /** Texts that end a choice and are cut off; those of the method end it and stay. */
  readonly stop: readonly string[];
}

/** A choice when it is complete. */
export interface Answer {
  readonly text: string;
  readonly tokens: readonly StreamedToken[];
  /** The text parsed, boxes in pixels of the stored image; null where no image was shown. */
  readonly chain: Chain | null;
  readonly finish: "stop" | "length";
  /** Tokens sampled, those of a stop text and the end of the turn included. */
  readonly sampled: number;
}

/** Samples choice number `index`; `onPiece` hears of its text as soon as it is certain. @throws the signal's reason */
export async function answer(
  engine: ChatEngine,
  { prompt, frame, method, sampling, stop }: Asked,
  index: number,
  { signal, onPiece }: { signal: AbortSignal; onPiece?: (piece: Piece) => void },
): Promise<Answer> {
  const context: ChainContext | undefined = frame && { space: engine.processor.boxSpace, frame };
  const released = new ReleasedText(stop, context);
  const tokens: StreamedToken[] = [];
  let told = 0;
  const release = (pieces: readonly Piece[]) => {
    for (const piece of pieces) {
      tokens.push(...piece.tokens);
      onPiece?.(piece);
    }
  };
  const completion = await engine.stream(prompt, {
    ...sampling,
    seed: stream(sampling.seed, "choice", index).uint32(),
    stop: [...stop, ...(method === undefined ? [] : METHODS[method].stop)],
    onToken: (token) => {
      told += token.text.length;
      release(released.push(token));
    },
    signal,
  });
  release(released.end(completion.text.slice(told)));
  const { text } = released;
  return {
    text,
    tokens,
    chain: context ? parseChain(text, context) : null,
    finish: completion.ending === "length" ? "length" : "stop",
    sampled: completion.ids.length,
  };
}
