/**
 * @file Pillow's bicubic resize, byte for byte: a separable filter (Keys 1981, a = -0.5) widened on reduction, with
 * 22-bit fixed-point weights, rounded and clipped to bytes after each pass, the horizontal pass first. That is the Pillow
 * the released models were trained with. Two later shortcuts are left out, which move the rounding of some bytes:
 * 12.2 runs the vertical pass first where the height is shrunk from over 100 times the width, 13.0 where
 * the height loses more than twice the pixels that the width loses.
 */

/** An image of interleaved 8-bit red, green, blue: `rgb` holds height * width * 3 bytes, row by row. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
}

/** Pillow's `image.resize((width, height), Image.Resampling.BICUBIC)`. A pass whose length does not change is left out. */
export function resizeBicubic(image: RgbImage, width: number, height: number): RgbImage {
  const wide = width === image.width ? image : resizeHorizontally(image, width);
  return height === wide.height ? wide : resizeVertically(wide, height);
}

const PRECISION = 22;
const HALF = 1 << (PRECISION - 1);

/** For each output position: its first input position, the number of weights, and the weights (`stride` apart). */
interface Weights {
  readonly stride: number;
  readonly first: Int32Array;
  readonly count: Int32Array;
  readonly values: Int32Array;
}

function bicubic(distance: number): number {
  const x = Math.abs(distance);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * -0.5;
  return 0;
}

function weightsFor(inputSize: number, outputSize: number): Weights {
  const scale = inputSize / outputSize;
  const widening = Math.max(scale, 1);
  const support = 2 * widening;
  const stride = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(outputSize);
  const count = new Int32Array(outputSize);
  const values = new Int32Array(outputSize * stride);
  const raw = new Float64Array(stride);
  for (let out = 0; out < outputSize; out++) {
    const center = (out + 0.5) * scale;
    const low = Math.max(0, Math.trunc(center - support + 0.5));
    const high = Math.min(inputSize, Math.trunc(center + support + 0.5));
    let sum = 0;
    for (let i = 0; i < high - low; i++) {
      raw[i] = bicubic((i + low - center + 0.5) * (1 / widening));
      sum += raw[i]!;
    }
    for (let i = 0; i < high - low; i++) {
      const fixed = (sum === 0 ? raw[i]! : raw[i]! / sum) * (1 << PRECISION);
      values[out * stride + i] = Math.trunc(fixed < 0 ? fixed - 0.5 : fixed + 0.5);
    }
    first[out] = low;
    count[out] = high - low;
  }
  return { stride, first, count, values };
}

function resizeHorizontally({ width, height, rgb }: RgbImage, outputWidth: number): RgbImage {
  const { stride, first, count, values } = weightsFor(width, outputWidth);
  const out = new Uint8ClampedArray(outputWidth * height * 3);
  let to = 0;
  for (let y = 0; y < height; y++) {
    const row = y * width * 3;
    for (let x = 0; x < outputWidth; x++) {
      let from = row + first[x]! * 3;
      let weight = x * stride;
      let [red, green, blue] = [HALF, HALF, HALF];
      for (const end = weight + count[x]!; weight < end; weight++, from += 3) {
        const w = values[weight]!;
        red += rgb[from]! * w;
        green += rgb[from + 1]! * w;
        blue += rgb[from + 2]! * w;
      }
      out[to++] = red >> PRECISION;
      out[to++] = green >> PRECISION;
      out[to++] = blue >> PRECISION;
    }
  }
  return { width: outputWidth, height, rgb: new Uint8Array(out.buffer) };
}

function resizeVertically({ width, height, rgb }: RgbImage, outputHeight: number): RgbImage {
  const { stride, first, count, values } = weightsFor(height, outputHeight);
  const rowBytes = width * 3;
  const out = new Uint8ClampedArray(rowBytes * outputHeight);
  const sums = new Int32Array(rowBytes);
  for (let y = 0; y < outputHeight; y++) {
    sums.fill(HALF);
    for (let i = 0; i < count[y]!; i++) {
      const w = values[y * stride + i]!;
      const from = (first[y]! + i) * rowBytes;
      for (let x = 0; x < rowBytes; x++) sums[x] = sums[x]! + rgb[from + x]! * w;
    }
    const to = y * rowBytes;
    for (let x = 0; x < rowBytes; x++) out[to + x] = sums[x]! >> PRECISION;
  }
  return { width, height: outputHeight, rgb: new Uint8Array(out.buffer) };
}
