// The TCP listeners of the API: address, TLS and the clients they admit.
import type { TokenFile } from './token-file.ts';

export interface Listener {
  readonly address: string;
  /** By which clients may address it beside its address, in lower case. */
  readonly names: readonly string[];
  /** Every request has to carry it. */
  readonly token: TokenFile | undefined;
  readonly isTls: boolean;
  /** Clients have shown a certificate before they can ask for anything. */
  readonly hasClientCertificates: boolean;
}

/** Whether whoever speaks to it has proven who they are; others may only read. */
export function isAuthenticated({ token, hasClientCertificates }: Listener): boolean {
  return token !== undefined || hasClientCertificates;
}
