/** @file Asks a model and reads its answer while it is written: OpenAI's streamed chat, with the boxes beside the text. */

import type { BoxLine } from "../../run/lines.ts";

/** How a chain is sampled. */
export interface Asking {
  /** As requests name it, e.g. `trained:grit`. */
  readonly model: string;
  readonly question: string;
  /** A data URL. */
  readonly image: string;
  readonly temperature: number;
  readonly maxTokens: number;
  readonly seed: number;
}

/** A chain as far as it is written. */
export interface Written {
  readonly text: string;
  readonly boxes: readonly BoxLine[];
  /** Why it ended; undefined while it is written. */
  readonly ended?: string;
}

interface Chunk {
  readonly choices?: readonly {
    readonly delta?: { readonly content?: string | null };
    readonly finish_reason?: string | null;
    readonly grit?: { readonly boxes?: readonly BoxLine[] } | null;
  }[];
  readonly error?: { readonly message: string };
}

/** Calls `onWritten` with the chain whenever more of it has come. @throws Error with the server's words */
export async function chat(asking: Asking, onWritten: (written: Written) => void, signal: AbortSignal): Promise<void> {
  const { model, question, image, temperature, maxTokens, seed } = asking;
  const content = [
    { type: "image_url", image_url: { url: image } },
    { type: "text", text: question },
  ];
  const body = { model, messages: [{ role: "user", content }], stream: true, temperature, max_tokens: maxTokens, seed };
  const response = await fetch("/v1/chat/completions", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    signal,
  });
  if (!response.ok || !response.body) {
    const answer = await response.json().catch(() => undefined);
    throw new Error(answer?.error?.message ?? `The server answered with ${response.status}.`);
  }
  let written: Written = { text: "", boxes: [] };
  for await (const data of events(response.body)) {
    if (data === "[DONE]") return;
    const { choices, error } = JSON.parse(data) as Chunk;
    if (error) throw new Error(error.message);
    const [choice] = choices ?? [];
    if (!choice) continue;
    const boxes = choice.grit?.boxes ?? [];
    written = {
      text: written.text + (choice.delta?.content ?? ""),
      // The last chunk has them all.
      boxes: choice.finish_reason ? boxes : [...written.boxes, ...boxes],
      ...(choice.finish_reason && { ended: choice.finish_reason }),
    };
    onWritten(written);
  }
}

/** The data of server-sent events. */
async function* events(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n\n");
    rest = parts.pop()!;
    for (const part of parts) {
      const lines = part.split("\n").filter((line) => line.startsWith("data:"));
      if (lines.length > 0) yield lines.map((line) => line.slice("data:".length).trimStart()).join("\n");
    }
  }
}
