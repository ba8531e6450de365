/**
 * @file The rows of a parquet file in bounded memory. Columns are decoded page by page (about a megabyte each), not by row
 * group, since one row group may be the whole file. Values: text, numbers, bytes, lists of these, and structs of these by
 * name; a missing value is undefined.
 */
import { type FileHandle, open } from "node:fs/promises";
import { type ColumnChunk, type FileMetaData, parquetMetadataAsync, parquetSchema, type SchemaTree } from "hyparquet";
import { parquetHeader, readPage } from "hyparquet/src/column.js";
import { convert, DEFAULT_PARSERS } from "hyparquet/src/convert.js";
import { getMaxRepetitionLevel, getTreePath } from "hyparquet/src/schema.js";
import { compressors } from "hyparquet-compressors";
import { messageOf, UserError } from "../../util/errors.ts";
import { shortened } from "../../util/shortened.ts";
import { unreadable } from "../../util/unreadable.ts";
import type { Row } from "./row.ts";

/** Bytes read at first for a page's header; its statistics may make it larger. */
const HEADER_BYTES = 16_384;

/** The rows of a parquet file; of its columns only those named, of these only what is there. @throws UserError by file */
export async function* parquetRows(file: string, columns: ReadonlySet<string>): AsyncGenerator<Row> {
  const handle = await open(file).catch((error: unknown) => {
    throw unreadable(file, error);
  });
  try {
    const metadata = await metadataOf(handle);
    const total = Number(metadata.num_rows);
    let number = 0;
    for await (const value of rows(handle, metadata, columns)) {
      yield { value, where: `${file}: row ${++number}`, share: number / total };
    }
  } catch (error) {
    if (error instanceof UserError) throw error;
    // Where the library trips over a value that is missing, its words help nobody.
    const reason = error instanceof TypeError ? "" : ` (${shortened(messageOf(error))})`;
    throw new UserError(`${file}: is not a sound parquet file${reason}`, "Download it again.");
  } finally {
    await handle.close();
  }
}

async function metadataOf(handle: FileHandle): Promise<FileMetaData> {
  const { size } = await handle.stat();
  const slice = async (start: number, end = size) => (await read(handle, start, end - start)).buffer as ArrayBuffer;
  return parquetMetadataAsync({ byteLength: size, slice });
}

/** Exactly `length` bytes in a buffer of their own, fewer at the end of the file. */
async function read(handle: FileHandle, position: number, length: number): Promise<Uint8Array> {
  const { buffer, bytesRead } = await handle.read(new Uint8Array(length), 0, length, position);
  return bytesRead === length ? buffer : buffer.slice(0, bytesRead);
}

async function* rows(
  handle: FileHandle,
  metadata: FileMetaData,
  columns: ReadonlySet<string>,
): AsyncGenerator<Record<string, unknown>> {
  const schema = parquetSchema(metadata);
  for (const group of metadata.row_groups) {
    const cells = group.columns
      .map((chunk) => ({ chunk, path: getTreePath(schema, chunk.meta_data!.path_in_schema) }))
      .filter(({ path }) => columns.has(path[1]!.element.name))
      .map(({ chunk, path }) => ({ names: fieldNames(path), values: columnValues(handle, chunk, path) }));
    for (let i = 0; i < Number(group.num_rows); i++) {
      const row: Record<string, unknown> = {};
      for (const { names, values } of cells) {
        const { value, done } = await values.next();
        if (done) throw new Error(`column ${names.join(".")} ends before its row group`);
        place(row, names, value);
      }
      yield row;
    }
  }
}

/** The names on the way to a value, down to its list if it stands in one. */
function fieldNames(path: readonly SchemaTree[]): string[] {
  const list = path.findIndex(({ element }) => element.repetition_type === "REPEATED");
  return path.slice(1, list < 0 ? undefined : list).map(({ element }) => element.name);
}

function place(row: Record<string, unknown>, [name, ...inner]: readonly string[], value: unknown): void {
  if (inner.length === 0) row[name!] = value;
  else {
    row[name!] ??= {};
    place(row[name!] as Record<string, unknown>, inner, value);
  }
}

/** One value a row of a column, page by page. */
async function* columnValues(
  handle: FileHandle,
  { meta_data }: ColumnChunk,
  schemaPath: SchemaTree[],
): AsyncGenerator<unknown> {
  const { path_in_schema: pathInSchema, data_page_offset, dictionary_page_offset, ...chunk } = meta_data!;
  const element = schemaPath.at(-1)!.element;
  const decoder = { ...chunk, pathInSchema, element, schemaPath, parsers: DEFAULT_PARSERS, compressors, utf8: false };
  const isList = getMaxRepetitionLevel(schemaPath) > 0;
  let position = Number(dictionary_page_offset ?? data_page_offset);
  const end = position + Number(chunk.total_compressed_size);
  let dictionary: ReturnType<typeof convert> | undefined;
  let unfinished: unknown[] = []; // the last row of a list column may go on in the next page
  while (position < end) {
    const { header, offset } = await pageHeader(handle, position);
    const bytes = await read(handle, position + offset, header.compressed_page_size);
    position += offset + header.compressed_page_size;
    const reader = { view: new DataView(bytes.buffer), offset: 0 };
    const { data } = readPage(reader, header, decoder, dictionary, isList ? unfinished : undefined, 0);
    if (header.type === "DICTIONARY_PAGE") dictionary = data && convert(data, decoder);
    else {
      const values = data as ArrayLike<unknown>;
      if (values.length === 0) continue; // writers may end a column with an empty page
      const complete = isList ? values.length - 1 : values.length;
      for (let i = 0; i < complete; i++) yield plainValue(values[i], isList);
      if (isList) unfinished = [values[complete]];
    }
  }
  for (const value of unfinished) yield plainValue(value, isList);
}

async function pageHeader(handle: FileHandle, position: number) {
  for (let length = HEADER_BYTES; ; length *= 8) {
    const bytes = await read(handle, position, length);
    const reader = { view: new DataView(bytes.buffer), offset: 0 };
    try {
      return { header: parquetHeader(reader), offset: reader.offset };
    } catch (error) {
      // A header beyond the bytes at hand fails as a RangeError; beyond the file it is damage.
      if (!(error instanceof RangeError) || bytes.length < length) throw error;
    }
  }
}

/** The library wraps a value in a list for every optional level above it. */
function plainValue(decoded: unknown, isList: boolean): unknown {
  const values = (Array.isArray(decoded) ? decoded.flat(Number.POSITIVE_INFINITY) : [decoded]).map((value) =>
    typeof value === "bigint" ? Number(value) : (value ?? undefined),
  );
  return isList ? values : values[0];
}
