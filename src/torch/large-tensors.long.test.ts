import { closeSync, ftruncateSync, openSync, statSync, writeSync } from "node:fs";
import { expect, it } from "vitest";
import { scratchPlaces } from "../../test/tiny.ts";
import { narrow } from "./ops.ts";
import { SafetensorsFile, writeSafetensors } from "./safetensors.ts";
import { tidy } from "./tensor.ts";

const place = scratchPlaces();
/** More than Node reads and writes at once, and more than an int32 counts. */
const LENGTH = 2 ** 31 + 11;
const LAST = [1, 2, 3, 4, 5];

/** A file with one tensor of so many bytes, all zero but the last; as a sparse file it takes next to no disk. */
function sparse(): string {
  const path = `${place()}.safetensors`;
  const header = JSON.stringify({ x: { dtype: "U8", shape: [LENGTH], data_offsets: [0, LENGTH] } });
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const size = 8 + header.length + LENGTH;
  const file = openSync(path, "w");
  writeSync(file, Buffer.concat([length, Buffer.from(header)]));
  ftruncateSync(file, size);
  writeSync(file, Uint8Array.from(LAST), 0, LAST.length, size - LAST.length);
  closeSync(file);
  return path;
}

it("a tensor of more than 2 GiB is read and written, to its last byte", () => {
  const file = new SafetensorsFile(sparse());
  const copy = `${place()}.safetensors`;
  tidy(() => {
    const x = file.tensor(file.entries[0]!);
    expect([...narrow(x, 0, LENGTH - 6, 6).toBytes()]).toEqual([0, ...LAST]);
    writeSafetensors(copy, file.entries, () => x);
  });
  expect(statSync(copy).size).toBeGreaterThan(LENGTH);
  const again = new SafetensorsFile(copy);
  tidy(() => expect([...narrow(again.tensor(again.entries[0]!), 0, LENGTH - 6, 6).toBytes()]).toEqual([0, ...LAST]));
});
