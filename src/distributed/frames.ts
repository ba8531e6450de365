/** @file Values over a socket: each as its length and its bytes. */
import type { Socket } from "node:net";
import { deserialize, serialize } from "node:v8";

/** The longest value that is taken: far beyond the completions of a step. */
const MOST_BYTES = 2 ** 31;

/** Sends a value that structured cloning knows. */
export function sendFrame(socket: Socket, value: unknown): void {
  const bytes = serialize(value);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  socket.cork();
  socket.write(length);
  socket.write(bytes);
  socket.uncork();
}

/** Puts together what arrives in pieces. */
export class FrameReader {
  #pieces: Buffer[] = [];
  #held = 0;

  /** Takes the next bytes; gives the values that they complete. @throws when a length is beyond all measure */
  push(piece: Buffer): unknown[] {
    this.#pieces.push(piece);
    this.#held += piece.length;
    const values: unknown[] = [];
    for (;;) {
      if (this.#held < 4) return values;
      const length = this.#join(4).readUInt32LE(0);
      if (length > MOST_BYTES) throw new Error(`A message of ${length} bytes was announced.`);
      if (this.#held < 4 + length) return values;
      const all = this.#join(4 + length);
      values.push(deserialize(all.subarray(4, 4 + length)));
      this.#pieces = [all.subarray(4 + length)];
      this.#held -= 4 + length;
    }
  }

  /** The first piece, made at least `length` bytes long. */
  #join(length: number): Buffer {
    if (this.#pieces[0]!.length < length) this.#pieces = [Buffer.concat(this.#pieces)];
    return this.#pieces[0]!;
  }
}
