/**
 * @file 64 clients that stream at once against one after another, over a connection, with the tiny base:
 *
 *     npx tsx bench/serve.ts [--model DIR] [--clients 64] [--tokens 64]
 *
 * Every completion has exactly so many tokens. It prints tokens a second either way, and the factor between them.
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

/** Streams one completion, and fails unless it has all its tokens. */
async function ask(seed: number): Promise<void> {
  const messages = [{ role: "user", content: `How many discs are in picture ${seed}?` }];
  const body = {
    model: "bench",
    messages,
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
  const text = await response.text();
  const written = /"completion_tokens":(\d+)/.exec(text)?.[1];
  if (Number(written) !== tokens) throw new Error(`A completion has ${written} tokens: ${text.slice(-500)}`);
}
