import { afterEach, expect, test, vi } from "vitest";
import { chat, type Written } from "./chat-stream.ts";

afterEach(() => vi.unstubAllGlobals());

const asking = { model: "base:grit", question: "?", image: "data:,", temperature: 0, maxTokens: 8, seed: 1 };
const box = { box: [1, 2, 3, 4] as [number, number, number, number], start: 1, end: 8 };

/** What is shown of a server's answer that comes in these pieces. */
async function shown(pieces: readonly string[], status = 200): Promise<Written[]> {
  const body = new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(new TextEncoder().encode(piece));
      controller.close();
    },
  });
  vi.stubGlobal("fetch", async () => new Response(body, { status }));
  const seen: Written[] = [];
  await chat(asking, (written) => seen.push(written), new AbortController().signal);
  return seen;
}

const event = (choice: object) => `data: ${JSON.stringify({ choices: [{ index: 0, ...choice }] })}\n\n`;

test("text grows, and a box is there with its last digit, however the stream is cut", async () => {
  const whole = [
    event({ delta: { role: "assistant", content: "" } }),
    event({ delta: { content: "[1,2,3" } }),
    event({ delta: { content: ",4]" }, grit: { boxes: [box] } }),
    event({ delta: {}, finish_reason: "stop", grit: { boxes: [box] } }),
    "data: [DONE]\n\n",
  ].join("");
  const cut = [whole.slice(0, 70), whole.slice(70, 171), whole.slice(171)];
  for (const pieces of [[whole], cut]) {
    expect(await shown(pieces)).toEqual([
      { text: "", boxes: [] },
      { text: "[1,2,3", boxes: [] },
      { text: "[1,2,3,4]", boxes: [box] },
      { text: "[1,2,3,4]", boxes: [box], ended: "stop" },
    ]);
  }
});

test("the server's words, before and in the stream", async () => {
  const error = JSON.stringify({ error: { message: "The image is too large." } });
  await expect(shown([error], 400)).rejects.toThrow("The image is too large.");
  await expect(shown([`data: ${error}\n\n`])).rejects.toThrow("The image is too large.");
});
