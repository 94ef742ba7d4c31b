// The TCP listeners of a director: where they listen, and whom they let in.
import type { Port } from '../../forwarding/forwarding-table.ts';

export interface ListenConfig {
  readonly address: string;
  readonly port: Port;
  /** Names by which clients may address the listener, beside its address; undefined: none. */
  readonly names: readonly string[] | undefined;
  /** A file with the token that every request has to carry. */
  readonly tokenFile: string | undefined;
  readonly tls: ListenTlsConfig | undefined;
}

/** Paths of PEM files. */
export interface ListenTlsConfig {
  readonly certificate: string;
  readonly key: string;
  /** Clients have to show a certificate of this authority; undefined: they need none. */
  readonly clientCa: string | undefined;
}
