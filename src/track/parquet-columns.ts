/**
 * @file Columns of a parquet file whose types the library `datasets` of Hugging Face knows: texts, numbers, boxes, images. Each may
 * lack a value.
 */
import type { SchemaElement } from "hyparquet";
import { ByteWriter, parquetWrite } from "hyparquet-writer";

/** A column: its type, and its values in the order of the rows. */
export interface ParquetColumn {
  readonly name: string;
  readonly kind: ColumnKind;
  readonly values: readonly unknown[];
}

/**
 * `image`: a struct `{bytes, path}`, the file's bytes and its name; `boxes`: a list of lists of four numbers.
 */
export type ColumnKind = "text" | "whole" | "number" | "image" | "boxes";

/** The bytes of a parquet file. */
export function parquetBytes(columns: readonly ParquetColumn[]): Uint8Array {
  const features = Object.fromEntries(columns.map(({ name, kind }) => [name, FEATURES[kind]]));
  const writer = new ByteWriter();
  parquetWrite({
    writer,
    columnData: columns.map(({ name, values }) => ({ name, data: [...values] })),
    schema: [
      { name: "root", num_children: columns.length },
      ...columns.flatMap(({ name, kind }) => ELEMENTS[kind](name)),
    ],
    kvMetadata: [{ key: "huggingface", value: JSON.stringify({ info: { features } }) }],
    createdBy: "grit-ts",
  });
  return writer.getBytes();
}

/** What `datasets` calls each kind. `Sequence` is what older versions read too. */
const FEATURES: Readonly<Record<ColumnKind, object>> = {
  text: { dtype: "string", _type: "Value" },
  whole: { dtype: "int32", _type: "Value" },
  number: { dtype: "float64", _type: "Value" },
  image: { _type: "Image" },
  boxes: { feature: { feature: { dtype: "float64", _type: "Value" }, _type: "Sequence" }, _type: "Sequence" },
};

/** The elements of a parquet schema that each kind makes, outer before inner. */
const ELEMENTS: Readonly<Record<ColumnKind, (name: string) => SchemaElement[]>> = {
  text: (name) => [{ ...optional(name), type: "BYTE_ARRAY", converted_type: "UTF8" }],
  whole: (name) => [{ ...optional(name), type: "INT32" }],
  number: (name) => [{ ...optional(name), type: "DOUBLE" }],
  image: (name) => [
    { ...optional(name), num_children: 2 },
    { ...optional("bytes"), type: "BYTE_ARRAY" },
    { ...optional("path"), type: "BYTE_ARRAY", converted_type: "UTF8" },
  ],
  boxes: (name) => [...list(name), ...list("element"), { ...optional("element"), type: "DOUBLE" }],
};

function list(name: string): SchemaElement[] {
  return [
    { ...optional(name), num_children: 1, converted_type: "LIST" },
    { name: "list", repetition_type: "REPEATED", num_children: 1 },
  ];
}

function optional(name: string): Pick<SchemaElement, "name" | "repetition_type"> {
  return { name, repetition_type: "OPTIONAL" };
}
