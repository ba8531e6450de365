/** @file Listens for an app's requests, with limits on slow clients, and ends by letting what runs come to its end. */
import type { Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import type { Hono } from "hono";
import { isSystemError, UserError } from "../util/errors.ts";
import { ApiError } from "./api-error.ts";

/** Seconds that a client may take for its headers, for a whole request, and between two requests. */
const HEADERS_SECONDS = 15;
const REQUEST_SECONDS = 60;
const IDLE_SECONDS = 60;
/** Connections at a time; each may hold a body. */
const MOST_CONNECTIONS = 512;

export interface Place {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Seconds for which a client may take nothing of what it is sent. Default 60. */
  readonly unreadSeconds?: number;
}

export interface Listening {
  /** Where it is reached, e.g. `http://127.0.0.1:8000`. */
  readonly url: string;
  /** Takes no more requests; waits until those under way are answered, for so many seconds at most, and ends all connections. */
  close(seconds: number): Promise<void>;
}

/** Serves an app. @throws UserError when it cannot listen there */
export async function listen(app: Hono, { host, port, unreadSeconds = 60 }: Place): Promise<Listening> {
  let closing = false;
  const stopping = new ApiError(503, "The server is stopping.", { headers: { Connection: "close" } });
  const refuse = () => Response.json(stopping.body, { status: stopping.status, headers: stopping.headers });
  const server = createAdaptorServer({
    fetch: (request, env) => (closing ? refuse() : app.fetch(request, env)),
    overrideGlobalObjects: false,
    serverOptions: {
      headersTimeout: HEADERS_SECONDS * 1000,
      requestTimeout: REQUEST_SECONDS * 1000,
      keepAliveTimeout: IDLE_SECONDS * 1000,
    },
  }) as Server;
  server.maxConnections = MOST_CONNECTIONS;
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    giveUpUnread(socket, unreadSeconds);
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(cannotListen(error, host, port)));
    server.listen(port, host, resolve);
  });
  const { address, port: bound, family } = server.address() as AddressInfo;
  return {
    url: `http://${family === "IPv6" ? `[${address}]` : address}:${bound}`,
    async close(seconds) {
      closing = true;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      const idle = setInterval(() => server.closeIdleConnections(), 100);
      const late = setTimeout(() => {
        // Also those that are no longer the server's own, after a request to change the protocol.
        for (const socket of sockets) socket.destroy();
      }, seconds * 1000);
      await closed;
      clearInterval(idle);
      clearTimeout(late);
    },
  };
}

/** Ends a connection whose client takes nothing of what waits for it. */
function giveUpUnread(socket: Socket, seconds: number): void {
  /** What had been taken when it was last looked at, if more of it waited then. */
  let taken: number | undefined;
  const look = setInterval(() => {
    const now = socket.writableLength > 0 ? socket.bytesWritten - socket.writableLength : undefined;
    if (now !== undefined && now === taken) socket.destroy();
    taken = now;
  }, seconds * 1000);
  socket.once("close", () => clearInterval(look));
}

function cannotListen(error: Error, host: string, port: number): UserError {
  const code = isSystemError(error) ? error.code : "";
  const reasons: Record<string, string> = {
    EADDRINUSE: "Something listens there already. Choose another --port, or 0 for any free one.",
    EACCES: "Ports below 1024 need more rights. Choose another --port.",
    EADDRNOTAVAIL: "This machine does not have that address. Choose another --host.",
    ENOTFOUND: "No such name. Choose another --host.",
  };
  return new UserError(
    `Cannot listen at ${host}, port ${port} (${error.message}).`,
    reasons[code] ?? "Choose another.",
  );
}
