/** @file Two checkpoint folders of one model compared, tensor by tensor and byte by byte. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Model } from "../models/model.ts";
import { SafetensorsFile } from "../torch/safetensors.ts";
import { isAdapterTensor } from "./adapter-io.ts";

/**
 * What is not the same in two folders of a model or of an adapter: a phrase a tensor, none when all types, shapes and bytes
 * agree. Tensors that the model does not use (a tied head, rotary tables) may be left out of one.
 */
export function differences(model: Model, left: string, right: string): string[] {
  const wanted = model.parameterShapes();
  const [a, b] = [tensorsOf(left), tensorsOf(right)];
  return [...new Set([...a.keys(), ...b.keys()])].flatMap((name) => {
    const [one, other] = [a.get(name), b.get(name)];
    if (!one || !other) {
      const needed = wanted.has(model.canonicalName(name)) || isAdapterTensor(name);
      return needed ? [`${name} is only in ${one ? left : right}`] : [];
    }
    const [was, is] = [describe(one.entry), describe(other.entry)];
    if (was !== is) return [`${name} is ${was} in ${left} and ${is} in ${right}`];
    return one.file.read(one.entry).equals(other.file.read(other.entry)) ? [] : [`${name} has other bytes in ${right}`];
  });
}

type Stored = { file: SafetensorsFile; entry: SafetensorsFile["entries"][number] };

function tensorsOf(dir: string): Map<string, Stored> {
  const files = readdirSync(dir).filter((name) => name.endsWith(".safetensors"));
  return new Map(
    files.flatMap((name) => {
      const file = new SafetensorsFile(join(dir, name));
      return file.entries.map((entry) => [entry.name, { file, entry }] as const);
    }),
  );
}

function describe({ dtype, shape }: Stored["entry"]): string {
  return `${dtype} [${shape}]`;
}
