import fc from "fast-check";
import { expect, test } from "vitest";
import { wandbRecordsIn } from "../../test/track/decode.ts";
import { WANDB_HEADER, wandbRecord } from "./wandb-log.ts";

/** Are the records of a file those? Compared as bytes: many are large. */
function expectRecords({ file, records }: ReturnType<typeof written>): void {
  const found = wandbRecordsIn(file);
  expect(found.length).toBe(records.length);
  expect(found.findIndex((record, i) => !record.equals(records[i]!))).toBe(-1);
}

function written(sizes: readonly number[]): { file: Buffer; records: Buffer[] } {
  const records = sizes.map((size, i) => Buffer.alloc(size, i + 1));
  let file = WANDB_HEADER;
  for (const record of records) file = Buffer.concat([file, wandbRecord(record, file.length)]);
  return { file, records };
}

test("records of any size are read as they were written", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 70_000 }), { maxLength: 8 }), (sizes) => {
      expectRecords(written(sizes));
    }),
    { numRuns: 30 },
  );
});

// Where just a piece's header has room, the piece is empty.
test.each([0, 1])("a record of %d bytes", (size) => {
  expectRecords(written([size, size]));
});

// A header takes 7 bytes, and so does a piece's: the first record may hold 32,754 bytes and end with its block.
test.each([32_754, 32_753, 32_748, 32_747, 32_746, 32_745, 32_740])("at the end of a block: %d bytes", (size) => {
  expectRecords(written([size, 10, 40_000]));
});
