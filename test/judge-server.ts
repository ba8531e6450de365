/**
 * @file A chat-completions server on this machine that judges by string equality, chooses between pictures as it is told, and
 * fails when it is told to.
 */
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";

/** What the server does with a request; `n` counts from 0. */
export type Behaviour =
  | "judge"
  | "garbage"
  | "half"
  | "slow"
  | "drop"
  | "nonsense"
  | "refuse"
  /** This body, text and bytes as they are; status 200 unless another is named. */
  | {
      readonly body: unknown;
      readonly status?: number;
      readonly headers?: Record<string, string>;
      /** Breaks off after the body, or repeats it until the client goes away. */
      readonly ends?: "broken off" | "never";
    }
  | {
      readonly status: number;
      readonly headers?: Record<string, string>;
      readonly message?: string;
      /** What else the error's body has, e.g. its `code`. */
      readonly error?: object;
    }
  /** Whatever this does with the response. */
  | ((response: ServerResponse, received: Received) => void);

export interface Received {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: {
    readonly model: string;
    readonly temperature: number;
    readonly messages: readonly { readonly role: string; readonly content: string | readonly Part[] }[];
    readonly response_format?: { readonly type: string };
  };
  /** What the first message says, and the files of the pictures it shows. */
  readonly text: string;
  readonly pictures: readonly Buffer[];
}

type Part =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "image_url"; readonly image_url: { readonly url: string } };

function receivedOf(url: string, headers: IncomingHttpHeaders, text: string): Received {
  const body = JSON.parse(text) as Received["body"];
  const { content } = body.messages[0]!;
  const parts = typeof content === "string" ? [{ type: "text" as const, text: content }] : content;
  const pictures = parts.flatMap((part) => (part.type === "image_url" ? [part.image_url.url] : []));
  return {
    ...{ url, headers, body, text: parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n") },
    pictures: pictures.map((data) => Buffer.from(data.replace("data:image/png;base64,", ""), "base64")),
  };
}

/** The tokens that every completion is said to take. */
export const USAGE = { prompt_tokens: 150, completion_tokens: 7, total_tokens: 157 };

export class JudgeServer {
  readonly received: Received[] = [];
  /** The most requests that were under way at once. */
  busiest = 0;
  /** Hosts that clients asked for as of a proxy; they are not brought there. */
  readonly tunnels: string[] = [];
  /** Completions that were sent whole. */
  completed = 0;
  behave: (request: Received, n: number) => Behaviour = () => "judge";
  /** Milliseconds that an answer takes: a moment's work, so that requests can overlap. */
  delay = 5;
  /** What is replied to a question with pictures. */
  choose: (request: Received) => string = () => "Image 0";
  #server: Server | undefined;
  #port = 0;
  #busy = 0;

  /** Begins to listen, on the same port as before. */
  async start(): Promise<this> {
    this.#server = createServer((request, response) => {
      // A gateway also asks whether anyone is there.
      if (request.method !== "POST") {
        response.writeHead(404).end();
        return;
      }
      let text = "";
      request.on("data", (chunk) => {
        text += chunk;
      });
      request.on("end", () => {
        const received = receivedOf(request.url!, request.headers, text);
        this.received.push(received);
        this.busiest = Math.max(this.busiest, ++this.#busy);
        response.on("close", () => this.#busy--);
        const behaviour = this.behave(received, this.received.length - 1);
        setTimeout(() => this.#answer(response, received, behaviour), this.delay);
      });
    });
    this.#server.on("connect", ({ url }, socket) => {
      this.tunnels.push(url!);
      socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
    });
    await new Promise<void>((resolve) => this.#server!.listen(this.#port, "127.0.0.1", resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  /** Ends, cutting what is under way. */
  async stop(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  #answer(response: ServerResponse, received: Received, behaviour: Behaviour): void {
    if (typeof behaviour === "function") {
      behaviour(response, received);
      return;
    }
    const json = { "content-type": "application/json" };
    if (typeof behaviour === "object" && "body" in behaviour) {
      const { body, status = 200, headers, ends } = behaviour;
      const bytes = typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body);
      response.writeHead(status, { ...json, ...headers });
      if (ends === "never") Readable.from(endlessly(bytes)).pipe(response);
      else if (ends === "broken off") response.write(bytes, () => response.destroy());
      else response.end(bytes);
      return;
    }
    if (typeof behaviour === "object") {
      response.writeHead(behaviour.status, { ...json, ...behaviour.headers });
      response.end(JSON.stringify({ error: { message: behaviour.message ?? "out of order", ...behaviour.error } }));
      return;
    }
    const content =
      behaviour === "nonsense" ? "It depends." : received.pictures.length ? this.choose(received) : verdictOn(received);
    const message = behaviour === "refuse" ? { content: null, refusal: "I would rather not." } : { content };
    const whole = JSON.stringify({ choices: [{ message, finish_reason: "stop" }], usage: USAGE });
    if (behaviour === "slow") return; // The client gives up; the connection ends with the server.
    if (behaviour === "drop") {
      response.socket?.destroy();
      return;
    }
    response.writeHead(200, json);
    if (behaviour === "garbage") response.end("<html>502 Bad Gateway</html>");
    else if (behaviour === "half") response.end(whole.slice(0, whole.length / 2));
    else {
      if (!response.destroyed) this.completed++;
      response.end(whole);
    }
  }
}

function* endlessly<T>(value: T): Generator<T> {
  for (;;) yield value;
}

function verdictOn({ text }: Received): string {
  const [, standard, given] = /Standard answer: (.*)\nModel's answer: (.*)$/s.exec(text)!;
  return JSON.stringify({ score: standard === given || (standard === "4" && given === "four") ? 1 : 0.25 });
}
