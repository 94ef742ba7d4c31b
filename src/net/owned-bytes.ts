// Bytes that nobody else writes to.
declare const owned: unique symbol;

/** Bytes that nobody else writes to. Whatever keeps bytes longer than the call that brought them keeps these. */
export type OwnedBytes = Uint8Array<ArrayBuffer> & { readonly [owned]: true };

/**
 * Copies bytes that belong to somebody else: a frame in the reader's buffer, which the next frame overwrites. This is the
 * only way to copy bytes in culvert, because `slice()` of a Node Buffer is a view and no copy, while a Buffer passes for
 * a `Uint8Array`.
 *
 * @example const kept = ownBytes(frame.subarray(14));
 */
export function ownBytes(view: Uint8Array): OwnedBytes {
  return new Uint8Array(view) as OwnedBytes;
}

declare global {
  interface Uint8Array<TArrayBuffer extends ArrayBufferLike> {
    /** @deprecated Of a Buffer it is a view: use `ownBytes()` for a copy, `subarray()` for a view. */
    slice(start?: number, end?: number): Uint8Array<ArrayBuffer>;
  }
}
