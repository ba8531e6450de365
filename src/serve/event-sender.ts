/** @file Sends server-sent events one after another, without making those wait who have them. */
import type { SSEStreamingApi } from "hono/streaming";

export class EventSender {
  readonly #stream: SSEStreamingApi;
  #sent: Promise<void> = Promise.resolve();

  constructor(stream: SSEStreamingApi) {
    this.#stream = stream;
  }

  /** Queues an event. A text is sent as it is, anything else as JSON. */
  send(data: object | string): void {
    const text = typeof data === "string" ? data : JSON.stringify(data);
    this.#sent = this.#sent.then(() => this.#stream.writeSSE({ data: text }));
  }

  /** Resolves when the client, or its connection, has taken all of them. */
  sent(): Promise<void> {
    return this.#sent;
  }
}
