/** @file Rank 0 as the middle of a team: it hears all and answers all, so that all processes see the same, in one order. */
import { timingSafeEqual } from "node:crypto";
import type { Server, Socket } from "node:net";
import { deferred } from "../util/deferred.ts";
import { UserError } from "../util/errors.ts";
import { FrameReader, sendFrame } from "./frames.ts";
import { type Patience, pulseOf, Silence } from "./silence.ts";
import { Member } from "./team-member.ts";
import { ENDING, FIRST_PHASE, type FromHub, GONE, lostMessage, silent, type ToHub } from "./team-messages.ts";

const START = "Start all of them, with the same MASTER_ADDR and MASTER_PORT, or give them more time by --rank-timeout.";

/** Rank 0's side: all that is said comes here. */
export class Hub {
  readonly member: Member;
  readonly #server: Server;
  readonly #timeout: number;
  readonly #peers: Peer[];
  readonly #said = new Map<string, Map<number, unknown>>();
  readonly #all = deferred<void>();
  readonly #pulse: NodeJS.Timeout;
  #isHalted = false;

  constructor(server: Server, token: Buffer, size: number, { timeout }: Patience) {
    this.#server = server;
    this.#timeout = timeout;
    this.#peers = Array.from({ length: size }, () => new Peer(timeout));
    this.member = new Member(
      0,
      size,
      (message) => queueMicrotask(() => this.#receive(0, message)),
      () => this.close(),
    );
    server.on("connection", (socket) => this.#welcome(socket, token));
    this.#pulse = setInterval(() => this.#beat(), pulseOf(timeout));
    this.#pulse.unref();
  }

  /** Waits until every rank has come. */
  async complete(): Promise<void> {
    const late = setTimeout(() => {
      const missing = this.#peers.flatMap(({ socket }, rank) => (rank > 0 && !socket ? [rank] : []));
      this.#all.reject(
        new UserError(`Rank ${missing.join(", ")} has not come within ${this.#timeout / 1000} s.`, START),
      );
    }, this.#timeout);
    try {
      await this.#all.promise;
    } finally {
      clearTimeout(late);
    }
  }

  close(): void {
    clearInterval(this.#pulse);
    this.#server.close();
    for (const { socket } of this.#peers) {
      if (socket?.writable) sendFrame(socket, { kind: "left" } satisfies FromHub);
      socket?.end();
      socket?.unref();
    }
  }

  /** A connection is a rank's when its first bytes are the token and the rank. */
  #welcome(socket: Socket, token: Buffer): void {
    let hello = Buffer.alloc(0);
    const onHello = (piece: Buffer) => {
      hello = Buffer.concat([hello, piece]);
      if (hello.length < 20) return;
      socket.off("data", onHello);
      const rank = hello.readUInt32LE(16);
      const peer = this.#peers[rank];
      if (!timingSafeEqual(hello.subarray(0, 16), token) || !peer || peer.socket || rank === 0) {
        socket.destroy();
        return;
      }
      this.#listen(socket, rank, peer, hello.subarray(20));
    };
    socket.on("error", () => socket.destroy());
    socket.on("data", onHello);
  }

  #listen(socket: Socket, rank: number, peer: Peer, first: Buffer): void {
    const reader = new FrameReader();
    const take = (piece: Buffer) => {
      peer.silence.heard();
      for (const message of reader.push(piece) as ToHub[]) this.#receive(rank, message);
    };
    peer.socket = socket;
    peer.silence.heard();
    socket.setNoDelay();
    socket.on("data", take);
    socket.on("close", () => this.#lose(rank, GONE));
    if (first.length > 0) take(first);
    if (this.#peers.every((each, r) => r === 0 || each.socket)) this.#all.resolve();
  }

  #receive(rank: number, message: ToHub): void {
    const peer = this.#peers[rank]!;
    switch (message.kind) {
      case "at":
        peer.phase = message.phase;
        break;
      case "say":
        this.#hear(rank, message.key, message.value);
        break;
      case "halt":
        if (this.#isHalted) break;
        this.#isHalted = true;
        this.#tell({ kind: "halted", rank, failure: message.failure });
        break;
      case "leave":
        peer.hasLeft = true;
        if (this.#isHalted) this.#tell({ kind: "unsettled" });
        break;
      default:
    }
  }

  #hear(rank: number, key: string, value: unknown): void {
    if (key === ENDING ? this.#peers.some(({ hasLeft }) => hasLeft) : this.#isHalted) {
      if (key === ENDING) this.#tell({ kind: "unsettled" });
      return;
    }
    const values = this.#said.get(key) ?? new Map<number, unknown>();
    this.#said.set(key, values.set(rank, value));
    if (values.size < this.#peers.length) return;
    this.#said.delete(key);
    this.#tell({ kind: "said", key, values: this.#peers.map((_, r) => values.get(r)) });
  }

  #beat(): void {
    for (const [rank, { socket, silence, hasLeft }] of this.#peers.entries()) {
      if (!socket || hasLeft) continue;
      if (socket.writable) sendFrame(socket, { kind: "beat" } satisfies FromHub);
      if (silence.isOver()) this.#lose(rank, silent(this.#timeout));
    }
  }

  #lose(rank: number, how: string): void {
    const peer = this.#peers[rank]!;
    if (peer.hasLeft) return;
    peer.hasLeft = true;
    peer.socket?.destroy();
    this.#isHalted = true;
    this.#tell({ kind: "lost", rank, message: lostMessage(rank, how, peer.phase) });
  }

  #tell(message: FromHub): void {
    for (const { socket, hasLeft } of this.#peers) if (!hasLeft && socket?.writable) sendFrame(socket, message);
    this.member.receive(message);
  }
}

/** What rank 0 knows of a rank. */
class Peer {
  socket: Socket | undefined;
  phase = FIRST_PHASE;
  hasLeft = false;
  readonly silence: Silence;

  constructor(timeout: number) {
    this.silence = new Silence(timeout);
  }
}
