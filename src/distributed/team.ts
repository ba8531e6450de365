/**
 * @file The processes of one training as they talk beside their tensors: who is alive and at what, what each has to say, and
 * when all stop. Rank 0 hears all and answers all, so that every process sees the same things in the same order.
 */
import { randomBytes, timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { Interrupted, messageOf, UserError } from "../util/errors.ts";
import { errorOf, type Failure, failureOf } from "../util/failure.ts";
import { FrameReader, sendFrame } from "./frames.ts";
import type { World } from "./ranks.ts";

/** Those who train together; `solo` where one process is alone. */
export interface Team {
  readonly rank: number;
  readonly size: number;
  /** Whether this is rank 0, which writes and speaks. */
  readonly leads: boolean;
  /** Fires when a process stops or fails, this one too. */
  readonly stop: AbortSignal;
  /** Fires when what is done together over tensors cannot come to its end. */
  readonly broken: AbortSignal;
  /** Names the phase that this process begins, for whoever misses it. */
  at(phase: string): void;
  /**
   * What each process has to say at the end of the phase, by rank; all of them hear all, or all of them stop.
   * @throws why they stop
   */
  gather<T>(mine: T): Promise<T[]>;
  /** The same when they have stopped; undefined when not all are there any more. */
  settle<T>(mine: T): Promise<T[] | undefined>;
  /**
   * Stops all processes by this one's error. Gives the error to end with: that of the process that stopped first, where this one has
   * failed in its wake.
   */
  halt(error: unknown): Promise<unknown>;
  /** Whether rank 0 tells the user why all have stopped. */
  readonly isTold: boolean;
  /** Ends orderly. */
  leave(): void;
}

/** The team of a process that is alone. */
export const solo: Team = {
  rank: 0,
  size: 1,
  leads: true,
  stop: new AbortController().signal,
  broken: new AbortController().signal,
  at: () => {},
  gather: async (mine) => [mine],
  settle: async (mine) => [mine],
  halt: async (error) => error,
  isTold: false,
  leave: () => {},
};

type ToHub =
  | { readonly kind: "beat" | "leave" }
  | { readonly kind: "at"; readonly phase: string }
  | { readonly kind: "say"; readonly key: string; readonly value: unknown }
  | { readonly kind: "halt"; readonly failure: Failure };

type FromHub =
  | { readonly kind: "beat" | "left" | "unsettled" }
  | { readonly kind: "said"; readonly key: string; readonly values: readonly unknown[] }
  | { readonly kind: "halted"; readonly rank: number; readonly failure: Failure }
  | { readonly kind: "lost"; readonly rank: number; readonly message: string };

/** The phase in which all have stopped. */
const ENDING = "ending";
/** Milliseconds for others to finish what they do over tensors with one who has failed since. */
const GRACE = 10_000;
/** Milliseconds in which a process that is gone is noticed by the end of its connection. */
const NOTICE = 3_000;
const FIRST_PHASE = "opening the model";

/** How long a process may be silent, in milliseconds. */
export interface Patience {
  readonly timeout: number;
}

/**
 * Joins the team of a world. `announce` takes what rank 0 lets the others know, and gives it to each of them.
 * @throws UserError when one does not come in time
 */
export async function joinTeam(
  world: World,
  announce: (text: string | undefined) => Promise<string>,
  patience: Patience,
): Promise<Team> {
  if (world.rank === 0) {
    const token = randomBytes(16);
    const server = createServer();
    server.listen(0, world.local ? "127.0.0.1" : undefined);
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const hub = new Hub(server, token, world.size, patience);
    try {
      await announce(`${port} ${token.toString("hex")}`);
      await hub.complete();
      return hub.member;
    } catch (error) {
      hub.close();
      throw error;
    }
  }
  const [port, token] = (await announce(undefined)).split(" ") as [string, string];
  const address = world.local ? "127.0.0.1" : world.address;
  const socket = connect(Number(port), address);
  try {
    await once(socket, "connect");
  } catch (error) {
    throw new UserError(`Rank ${world.rank} does not reach rank 0 at ${address}:${port}: ${messageOf(error)}`, OPEN);
  }
  const hello = Buffer.alloc(20);
  Buffer.from(token, "hex").copy(hello);
  hello.writeUInt32LE(world.rank, 16);
  socket.write(hello);
  return Member.follow(socket, world, patience);
}

/** One process of the team. */
class Member implements Team {
  readonly rank: number;
  readonly size: number;
  readonly #post: (message: ToHub) => void;
  readonly #onLeave: () => void;
  readonly #stop = new AbortController();
  readonly #broken = new AbortController();
  readonly #waiting = new Map<string, Deferred<unknown>>();
  /** Who stopped all, and by what. */
  #end: { readonly rank: number; readonly error: Error } | undefined;
  #phase = FIRST_PHASE;
  #hubIsGone = false;

  constructor(rank: number, size: number, post: (message: ToHub) => void, onLeave: () => void) {
    this.rank = rank;
    this.size = size;
    this.#post = post;
    this.#onLeave = onLeave;
  }

  /** A member that talks to rank 0 over a socket. */
  static follow(socket: Socket, { rank, size }: World, { timeout }: Patience): Member {
    let isOver = false;
    const end = () => {
      isOver = true;
      clearInterval(pulse);
      // The other end may be stopped, and never answer.
      socket.end();
      socket.unref();
    };
    const member = new Member(rank, size, (message) => void (socket.writable && sendFrame(socket, message)), end);
    const lose = (how: string) => {
      if (isOver) return;
      end();
      member.#hubIsGone = true;
      member.receive({ kind: "lost", rank: 0, message: lostMessage(0, how, member.#phase) });
    };
    const alive = new Silence(timeout);
    const reader = new FrameReader();
    socket.setNoDelay();
    socket.on("data", (piece) => {
      alive.heard();
      for (const message of reader.push(piece) as FromHub[]) {
        if (message.kind === "left") end();
        member.receive(message);
      }
    });
    socket.on("error", () => lose(GONE));
    socket.on("close", () => lose(GONE));
    const pulse = setInterval(() => {
      sendFrame(socket, { kind: "beat" } satisfies ToHub);
      if (alive.isOver()) lose(silent(timeout));
    }, pulseOf(timeout));
    pulse.unref();
    return member;
  }

  get leads(): boolean {
    return this.rank === 0;
  }

  get stop(): AbortSignal {
    return this.#stop.signal;
  }

  get broken(): AbortSignal {
    return this.#broken.signal;
  }

  get isTold(): boolean {
    return !this.leads && !this.#hubIsGone;
  }

  at(phase: string): void {
    this.#phase = phase;
    this.#post({ kind: "at", phase });
  }

  async gather<T>(mine: T): Promise<T[]> {
    if (this.#end) throw this.#end.error;
    return this.#say(this.#phase, mine);
  }

  async settle<T>(mine: T): Promise<T[] | undefined> {
    if (this.broken.aborted) return undefined;
    this.at(ENDING);
    try {
      return await this.#say(ENDING, mine);
    } catch {
      return undefined;
    }
  }

  async halt(error: unknown): Promise<unknown> {
    const isOwn = error instanceof UserError || error instanceof Interrupted;
    // What is done over tensors fails in other words when somebody is gone, who is named a moment later.
    if (!isOwn && !this.stop.aborted)
      await Promise.race([once(this.stop, "abort"), new Promise((resolve) => setTimeout(resolve, NOTICE))]);
    if (this.#end) return isOwn || this.#end.rank === this.rank ? error : this.#end.error;
    this.#end = { rank: this.rank, error: error instanceof Error ? error : new Error(String(error)) };
    this.#post({ kind: "halt", failure: failureOf(error) });
    return error;
  }

  leave(): void {
    this.#post({ kind: "leave" });
    this.#onLeave();
  }

  /** Takes what rank 0 answers. */
  receive(message: FromHub): void {
    switch (message.kind) {
      case "said":
        this.#waiting.get(message.key)?.resolve(message.values);
        this.#waiting.delete(message.key);
        break;
      case "unsettled":
        this.#reject(() => true, new Error("Not all are there."));
        break;
      case "halted": {
        this.#end ??= { rank: message.rank, error: toldError(message.rank, message.failure) };
        const { error } = this.#end;
        this.#stop.abort(error);
        this.#reject((key) => key !== ENDING, error);
        if (!(error instanceof Interrupted)) setTimeout(() => this.#broken.abort(error), GRACE).unref();
        break;
      }
      case "lost": {
        const error = new UserError(
          message.message,
          `See what rank ${message.rank} printed last, and what its machine says of it: memory that ran out, a connection that broke. Go on with --resume.`,
        );
        this.#end ??= { rank: message.rank, error };
        this.#stop.abort(error);
        this.#broken.abort(error);
        this.#reject(() => true, error);
        break;
      }
      default:
    }
  }

  async #say<T>(key: string, value: T): Promise<T[]> {
    const said = deferred<unknown>();
    this.#waiting.set(key, said);
    this.#post({ kind: "say", key, value });
    return (await said.promise) as T[];
  }

  #reject(which: (key: string) => boolean, error: Error): void {
    for (const [key, { reject }] of [...this.#waiting].filter(([key]) => which(key))) {
      this.#waiting.delete(key);
      reject(error);
    }
  }
}

/** Rank 0's side: all that is said comes here. */
class Hub {
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

/** How long nothing has been heard, while this process was awake itself. */
class Silence {
  readonly #timeout: number;
  #since = performance.now();
  #looked = performance.now();

  constructor(timeout: number) {
    this.#timeout = timeout;
  }

  heard(): void {
    this.#since = performance.now();
  }

  /** Asked at every pulse. Who was stopped himself, and asks late, has not listened either. */
  isOver(): boolean {
    const now = performance.now();
    const slept = now - this.#looked - pulseOf(this.#timeout);
    this.#looked = now;
    if (slept > pulseOf(this.#timeout)) this.#since += slept;
    return now - this.#since > this.#timeout - pulseOf(this.#timeout);
  }
}

interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

function deferred<T>(): Deferred<T> {
  let settle: Omit<Deferred<T>, "promise"> | undefined;
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject };
  });
  return { promise, ...settle! };
}

const START = "Start all of them, with the same MASTER_ADDR and MASTER_PORT, or give them more time by --rank-timeout.";
const OPEN = "Let the machines reach each other at every port: all but the store's are chosen by the system.";
const GONE = "ended without a word";

function silent(timeout: number): string {
  return `gave no sign of life for ${timeout / 1000} s`;
}

function lostMessage(rank: number, how: string, phase: string): string {
  return `Rank ${rank} ${how}, in this phase: ${phase}.`;
}

/** Milliseconds between two signs of life. */
function pulseOf(timeout: number): number {
  return Math.min(5_000, timeout / 5);
}

/** Why all stop, told to those whose error it is not. */
function toldError(rank: number, failure: Failure): Error {
  if (failure.kind === "Interrupted" && failure.message === "")
    return new Interrupted(`Rank ${rank} was told to stop.`);
  return errorOf({ ...failure, message: `rank ${rank}: ${failure.message}` });
}
