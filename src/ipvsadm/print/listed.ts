// The contents of ipvsadm's listings.
import type { TransportProtocol } from '../../forwarding/forwarding-table.ts';
import type { AdmSettings, AdmTunnel } from '../parse/ipvsadm-command.ts';

/** Traffic as counted, or for each second. */
export interface ListedTraffic {
  readonly connections: number;
  readonly packets: number;
  readonly bytes: number;
}

/** A service as it is listed. */
export interface ListedService {
  readonly protocol: TransportProtocol;
  readonly address: string;
  /** 0: all. */
  readonly port: number;
  /** Further ports of this service; ipvsadm has no such thing. */
  readonly morePorts: readonly number[];
  readonly settings: Omit<AdmSettings, 'engine'>;
  readonly counted: ListedTraffic;
  readonly perSecond: ListedTraffic;
  readonly servers: readonly ListedServer[];
}

export interface ListedServer {
  readonly address: string;
  readonly tunnel: AdmTunnel;
  /** The one that counts now: 0 while it is drained, or down. */
  readonly weight: number;
  readonly upperThreshold: number;
  readonly lowerThreshold: number;
  readonly activeFlows: number;
  readonly inactiveFlows: number;
  readonly persistentClients: number;
  readonly counted: ListedTraffic;
  readonly perSecond: ListedTraffic;
}

export interface ListedConnection {
  readonly protocol: TransportProtocol;
  readonly client: string;
  readonly clientPort: number;
  readonly service: string;
  readonly servicePort: number;
  readonly server: string;
  readonly state: string;
  readonly leftMs: number;
}
