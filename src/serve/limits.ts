/** @file What a server takes from strangers, at most. */

export interface Limits {
  /** Bytes of a request's body. */
  readonly bodyBytes: number;
  /** Messages of a conversation, and parts of all its messages together. */
  readonly parts: number;
  /** Images of a conversation. */
  readonly images: number;
  /** Bytes of an image file. */
  readonly imageBytes: number;
  /** Pixels that the images of a conversation have together: a small file can hold very many. */
  readonly imagePixels: number;
  /** Seconds until an image at an address is there, redirects included. */
  readonly imageSeconds: number;
}

export const DEFAULT_LIMITS: Limits = {
  bodyBytes: 32e6,
  parts: 1024,
  images: 16,
  imageBytes: 20e6,
  imagePixels: 40e6,
  imageSeconds: 10,
};
