/** @file One process of a team: what it says goes to rank 0, and what comes from there settles its promises or stops it. */
import { once } from "node:events";
import type { Socket } from "node:net";
import { type Deferred, deferred } from "../util/deferred.ts";
import { Interrupted, UserError } from "../util/errors.ts";
import { errorOf, type Failure, failureOf } from "../util/failure.ts";
import { FrameReader, sendFrame } from "./frames.ts";
import type { World } from "./ranks.ts";
import { type Patience, pulseOf, Silence } from "./silence.ts";
import type { Team } from "./team.ts";
import { ENDING, FIRST_PHASE, type FromHub, GONE, lostMessage, silent, type ToHub } from "./team-messages.ts";

/** Milliseconds for others to finish what they do over tensors with one who has failed since. */
const GRACE = 10_000;
/** Milliseconds in which a process that is gone is noticed by the end of its connection. */
const NOTICE = 3_000;

/** One process of the team. */
export class Member implements Team {
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

/** Why all stop, told to those whose error it is not. */
function toldError(rank: number, failure: Failure): Error {
  if (failure.kind === "Interrupted" && failure.message === "")
    return new Interrupted(`Rank ${rank} was told to stop.`);
  return errorOf({ ...failure, message: `rank ${rank}: ${failure.message}` });
}
