// How the packets of a check leave this machine.
import type { Port } from '../../forwarding/forwarding-table.ts';
import type { IpAddress } from '../../net/address/ip-address.ts';

/** How the packets of a check leave this machine; what is left out is as routing has it. */
export interface CheckSource {
  readonly address?: IpAddress;
  readonly port?: Port;
  readonly interface?: string;
  /** Firewall mark. */
  readonly mark?: number;
}
