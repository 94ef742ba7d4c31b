// The source of a check's packets.
import type { Port } from '../../forwarding/forwarding-table.ts';
import type { IpAddress } from '../../net/address/ip-address.ts';

/** The source of the packets of a check. The kernel's routing decides what is left out. */
export interface CheckSource {
  readonly address?: IpAddress;
  readonly port?: Port;
  readonly interface?: string;
  /** Firewall mark. */
  readonly mark?: number;
}
