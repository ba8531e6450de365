/** @file An engine that answers what a test tells it to, token by token, with a real checkpoint's tokenizer, template and images. */
import { setImmediate } from "node:timers/promises";
import type { StreamOptions } from "../src/engine/engine.ts";
import { Processor } from "../src/prompt/prompt.ts";
import { TextStream } from "../src/prompt/text-stream.ts";
import type { Completion, Ending, ImageInput, Prompt } from "../src/records.ts";
import type { ChatEngine } from "../src/serve/answers.ts";
import { checkpointDir } from "./commands.ts";

export class FakeEngine implements ChatEngine {
  readonly processor = Processor.load(checkpointDir("tied"));
  death: Error | undefined;
  /** What was asked, in order. */
  readonly asked: { readonly prompt: Prompt; readonly options: StreamOptions }[] = [];
  /** Calls that ended by their signal. */
  cancelled = 0;
  running = 0;
  busiest = 0;
  reply: (call: number) => string = () => "Yes.";
  /** Waited for before each token but the first. */
  pace: () => Promise<unknown> = () => setImmediate();

  image(bytes: Uint8Array): Promise<ImageInput> {
    return this.processor.image(bytes);
  }

  async stream(prompt: Prompt, options: StreamOptions): Promise<Completion> {
    const { tokenizer, endIds } = this.processor;
    this.asked.push({ prompt, options });
    this.busiest = Math.max(this.busiest, ++this.running);
    const planned = [...tokenizer.encode(this.reply(this.asked.length - 1)), endIds[0]!];
    const text = new TextStream(tokenizer);
    const written = { ids: [] as number[], logprobs: [] as number[], text: "" };
    let ending: Ending = "length";
    try {
      for (const id of planned.slice(0, options.maxTokens)) {
        if (written.ids.length > 0) await this.pace();
        options.signal?.throwIfAborted();
        const added = text.push(id);
        const logprob = -written.ids.length / 8;
        written.ids.push(id);
        written.logprobs.push(logprob);
        written.text += added;
        const alternatives = Array.from({ length: options.alternatives ?? 0 }, (_, i) => ({
          id: id + i,
          logprob: logprob - i,
        }));
        options.onToken?.({ id, logprob, text: added, alternatives });
        if (endIds.includes(id) || options.stop?.some((stop) => written.text.includes(stop))) {
          ending = "stop";
          break;
        }
      }
    } catch (error) {
      this.cancelled++;
      throw error;
    } finally {
      this.running--;
    }
    return { ...written, text: written.text + text.end(), ending };
  }

  /** The last prompt as text, each run of image placeholders as one. */
  get lastPrompt(): string {
    const { tokenizer, imageToken } = this.processor;
    const text = tokenizer.decode(this.asked.at(-1)!.prompt.ids, { skipSpecial: false });
    return text.replaceAll(new RegExp(`(?:${imageToken.replaceAll("|", "\\|")})+`, "g"), imageToken);
  }
}
