// A command line of ipvsadm, parsed.
import type { TransportProtocol } from '../../forwarding/forwarding-table.ts';

/** A parsed command line of ipvsadm. */
export type AdmCommand =
  | AdmServiceCommand
  | { readonly name: 'delete-service'; readonly of: AdmService }
  | AdmServerCommand
  | { readonly name: 'delete-server'; readonly of: AdmService; readonly server: AdmEndpoint }
  | { readonly name: 'flush' }
  /** Seconds: TCP established, TCP FIN_WAIT, UDP; 0 leaves one as it is. */
  | { readonly name: 'set'; readonly timeouts: readonly [number, number, number] }
  | { readonly name: 'start-daemon' | 'stop-daemon' }
  | { readonly name: 'zero'; readonly of: AdmService | undefined }
  | { readonly name: 'list'; readonly of: AdmService | undefined; readonly listing: Listing }
  | { readonly name: 'save'; readonly numeric: boolean }
  | { readonly name: 'restore' }
  | { readonly name: 'help' }
  | { readonly name: 'version' };

export interface AdmServiceCommand {
  readonly name: 'add-service' | 'edit-service';
  readonly of: AdmService;
  readonly settings: AdmSettings;
}

export interface AdmServerCommand {
  readonly name: 'add-server' | 'edit-server';
  readonly of: AdmService;
  readonly server: AdmServer;
}

/** The commands that change the configuration. */
export type AdmEdit = Exclude<
  AdmCommand,
  {
    readonly name: 'zero' | 'list' | 'save' | 'restore' | 'help' | 'version' | 'start-daemon' | 'stop-daemon';
  }
>;

export type AdmService =
  | (AdmEndpoint & { readonly protocol: TransportProtocol })
  | { readonly mark: number; readonly ipv6: boolean };

/** The address as `formatIp` has it. */
export interface AdmEndpoint {
  readonly address: string;
  /** 0: all. */
  readonly port: number;
}

export interface AdmSettings {
  readonly scheduler: string;
  /** `sh-port`, `flag-1`, ... */
  readonly flags: readonly string[];
  readonly persistence: AdmPersistence | undefined;
  readonly onePacket: boolean;
  /** A persistence engine. */
  readonly engine: string | undefined;
}

export interface AdmPersistence {
  readonly seconds: number;
  /** The prefix length; undefined for an IPv4 mask whose ones do not come first. */
  readonly prefix: number | undefined;
}

export interface AdmServer extends AdmEndpoint {
  /** The forwarding method; undefined if none was given. */
  readonly method: 'gatewaying' | 'ipip' | 'masquerading' | undefined;
  readonly weight: number;
  readonly upperThreshold: number;
  readonly lowerThreshold: number;
  readonly tunnel: AdmTunnel;
}

export interface AdmTunnel {
  readonly type: 'ipip' | 'gre' | 'gue';
  readonly port: number;
  readonly checksum: 'none' | 'full' | 'remote';
}

export interface Listing {
  readonly what: 'table' | 'connections' | 'timeouts' | 'daemon';
  readonly numeric: boolean;
  readonly exact: boolean;
  readonly sorted: boolean;
  readonly stats: boolean;
  readonly rate: boolean;
  readonly thresholds: boolean;
  readonly persistentConnections: boolean;
  readonly tunnelInfo: boolean;
}
