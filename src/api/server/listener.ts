// The TCP listeners of the API: address, TLS and the clients they admit.
import type { TokenFile } from './token-file.ts';

export interface Listener {
  readonly address: string;
  /** The names, in lower case, by which clients may address it in addition to its address. */
  readonly names: readonly string[];
  /** Every request has to carry it. */
  readonly token: TokenFile | undefined;
  readonly isTls: boolean;
  /** Clients have shown a certificate before they can ask for anything. */
  readonly hasClientCertificates: boolean;
}

/** Returns true if clients must prove their identity; otherwise they may only read. */
export function isAuthenticated({ token, hasClientCertificates }: Listener): boolean {
  return token !== undefined || hasClientCertificates;
}
