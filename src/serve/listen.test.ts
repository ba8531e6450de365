import { connect } from "node:net";
import { setTimeout } from "node:timers/promises";
import { Hono } from "hono";
import { stream } from "hono/streaming";
import { afterEach, describe, expect, it } from "vitest";
import { UserError } from "../util/errors.ts";
import { type Listening, listen, type Place } from "./listen.ts";

const LOCAL = { host: "127.0.0.1", port: 0 };
const opened: Listening[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close(0)));
});

async function serve(app: Hono, place: Partial<Place> = {}): Promise<Listening> {
  const listening = await listen(app, { ...LOCAL, ...place });
  opened.push(listening);
  return listening;
}

/** A promise, and what settles it. */
function signal<T = void>(): { seen: Promise<T>; tell: (value: T) => void } {
  let tell: (value: T) => void = () => {};
  const seen = new Promise<T>((resolve) => {
    tell = resolve;
  });
  return { seen, tell: (value) => tell(value) };
}

describe("listen", () => {
  it("finds a free port and says where", async () => {
    const { url } = await serve(new Hono().get("/", (c) => c.text("here")));
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(await (await fetch(url)).text()).toBe("here");
  });

  it("says why it cannot", async () => {
    const { url } = await serve(new Hono());
    const taken = listen(new Hono(), { ...LOCAL, port: Number(new URL(url).port) });
    await expect(taken).rejects.toThrow(UserError);
    await expect(taken).rejects.toThrow(/EADDRINUSE[\s\S]*another --port/);
    await expect(listen(new Hono(), { host: "203.0.113.1", port: 0 })).rejects.toThrow(/another --host/);
  });

  it("tells the app when a client goes away", async () => {
    const [came, gone] = [signal(), signal()];
    const { url } = await serve(
      new Hono().get("/", async (c) => {
        c.req.raw.signal.addEventListener("abort", () => gone.tell());
        came.tell();
        await gone.seen;
        return c.text("late");
      }),
    );
    const client = new AbortController();
    const asking = fetch(url, { signal: client.signal }).catch(() => "gave up");
    await came.seen;
    client.abort();
    expect(await asking).toBe("gave up");
    await gone.seen;
  });

  it("ends the connection of a client that takes nothing, and the work for it", async () => {
    const gone = signal();
    const app = new Hono().get("/", (c) =>
      stream(c, async (out) => {
        out.onAbort(() => gone.tell());
        while (!out.aborted) await out.write(new Uint8Array(1e6));
      }),
    );
    const { url } = await serve(app, { unreadSeconds: 0.05 });
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    socket.on("error", () => {});
    socket.pause();
    socket.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await gone.seen;
    socket.destroy();
  });

  it("does not end the connection of a client that waits for an answer", async () => {
    const app = new Hono().get("/", async (c) => {
      await setTimeout(200);
      return c.text("late");
    });
    const { url } = await serve(app, { unreadSeconds: 0.02 });
    expect(await (await fetch(url)).text()).toBe("late");
  });
});

describe("close", () => {
  it("finishes what runs and takes nothing more", async () => {
    const [came, go] = [signal(), signal()];
    const { url, close } = await serve(
      new Hono().get("/", async (c) => {
        came.tell();
        await go.seen;
        return c.text("finished");
      }),
    );
    const asking = fetch(url);
    await came.seen;
    const closing = close(60);
    await expect(fetch(url)).rejects.toThrow();
    go.tell();
    expect(await (await asking).text()).toBe("finished");
    await closing;
  });

  it("refuses a request on a connection that is open already", async () => {
    const [came, go] = [signal(), signal()];
    const { url, close } = await serve(
      new Hono().get("/", async (c) => {
        came.tell();
        await go.seen;
        return c.text("finished");
      }),
    );
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    socket.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await came.seen;
    const closing = close(60);
    socket.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    go.tell();
    let received = "";
    for await (const part of socket) received += part;
    expect(received).toMatch(/^HTTP\/1\.1 200[\s\S]*finished[\s\S]*HTTP\/1\.1 503[\s\S]*The server is stopping/);
    await closing;
  });

  it("waits no longer than it is told to", async () => {
    const came = signal();
    const { url, close } = await serve(
      new Hono().get("/", () => {
        came.tell();
        return new Promise<Response>(() => {});
      }),
    );
    const asking = fetch(url).catch(() => "cut");
    await came.seen;
    await close(0.02);
    expect(await asking).toBe("cut");
  });
});
