/** @file Parameters by name with their shapes, in the order of a checkpoint. */

export class Shapes extends Map<string, readonly number[]> {
  /** The weight of a linear layer, and its bias. */
  linear(name: string, out: number, into: number, bias = true): this {
    this.set(`${name}.weight`, [out, into]);
    return bias ? this.set(`${name}.bias`, [out]) : this;
  }

  /** The weight of a normalisation, and its bias. */
  norm(name: string, width: number, bias: boolean): this {
    this.set(`${name}.weight`, [width]);
    return bias ? this.set(`${name}.bias`, [width]) : this;
  }
}
