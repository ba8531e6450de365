/**
 * @file 64 clients that stream at once against one after another, over a connection, with the tiny base:
 *
 *     npx tsx bench/serve.ts [--model DIR] [--clients 64] [--tokens 64]
 *
 * Every completion has exactly so many tokens. It prints tokens a second either way, and the factor between them; then the longest wait
 * between two tokens of one stream, alone and while a prompt of about 3,000 tokens is read for another.
 */
import { parseArgs } from "node:util";
import { RemoteEngine } from "../src/engine/remote-engine.ts";
import { listen } from "../src/serve/listen.ts";
import { serveApp } from "../src/serve/serve-app.ts";

const { values } = parseArgs({
  options: {
    model: { type: "string", default: "models/grit-tiny-base" },
    clients: { type: "string", default: "64" },
    tokens: { type: "string", default: "64" },
  },
});
const [clients, tokens] = [Number(values.clients), Number(values.tokens)];

const engine = await RemoteEngine.open(values.model, { unending: true });
const app = serveApp({ access: { host: "127.0.0.1" }, engines: new Map([["bench", engine]]) });
const server = await listen(app, { host: "127.0.0.1", port: 0 });
try {
  // Warms up.
  await together(2);
  const alone = await tokensPerSecond(async () => {
    for (let i = 0; i < clients; i++) await ask(i);
  });
  const atOnce = await tokensPerSecond(() => together(clients));
  console.log(engine.computing);
  console.log(
    `${clients} completions of ${tokens} tokens: one after another ${alone.toFixed(0)} tokens/s, all at once ` +
      `${atOnce.toFixed(0)} tokens/s, ${(atOnce / alone).toFixed(1)} times as many`,
  );
  const long = "How many discs are there? ".repeat(500).slice(0, 3000);
  const [undisturbed, beside] = [await longestWait(), await longestWait(long)];
  console.log(
    `longest wait between two tokens of a stream: ${undisturbed.toFixed(0)} ms alone, ` +
      `${beside.toFixed(0)} ms while a long prompt of another is read`,
  );
} finally {
  await server.close(0);
  await engine.dispose();
}

async function together(count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, i) => ask(i)));
}

async function tokensPerSecond(work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return (clients * tokens * 1000) / (performance.now() - began);
}

/** Milliseconds between two pieces of a stream, at most, while another asks about a prompt. */
async function longestWait(other?: string): Promise<number> {
  const waits: number[] = [];
  let last: number | undefined;
  let asked: Promise<void> | undefined;
  await ask(0, undefined, () => {
    const now = performance.now();
    if (last !== undefined) waits.push(now - last);
    last = now;
    if (waits.length === 10 && other !== undefined) asked = ask(1, other);
  });
  await asked;
  return Math.max(...waits);
}

/** Streams one completion, and fails unless it has all its tokens. `onPiece` is told whenever some of it arrive. */
async function ask(
  seed: number,
  content = `How many discs are in picture ${seed}?`,
  onPiece?: () => void,
): Promise<void> {
  const body = {
    model: "bench",
    messages: [{ role: "user", content }],
    seed,
    max_tokens: tokens,
    stream: true,
    stream_options: { include_usage: true },
  };
  const response = await fetch(`${server.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  let text = "";
  for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
    text += piece;
    onPiece?.();
  }
  const written = /"completion_tokens":(\d+)/.exec(text)?.[1];
  if (Number(written) !== tokens) throw new Error(`A completion has ${written} tokens: ${text.slice(-500)}`);
}
