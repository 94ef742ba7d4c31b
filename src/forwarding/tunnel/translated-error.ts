// Translates an ICMP error from a tunnel's path for the client.
import type { IpFamily } from '../../net/address/ip-address.ts';
import { ICMP_CODE, ICMP_TYPE } from '../../net/headers/icmp.ts';
import { ICMPV6_CODE, ICMPV6_TYPE } from '../../net/headers/icmpv6.ts';
import { ICMP_ERRORS, type IcmpError } from '../answers/answers.ts';
import type { TunnelError } from './tunnel-error.ts';

type Said = Pick<IcmpError, 'type' | 'code'>;

/**
 * Returns the error for a client of this family. Where the tunnel is of the client's family it is unchanged. Otherwise it says
 * that the real cannot be reached; the details do not concern the client (RFC 2473, section 8.2).
 */
export function translatedError(error: TunnelError, family: IpFamily): Said | undefined {
  const { trouble, type, code, outer } = error;
  if (outer.family === family) return { type, code };
  switch (trouble) {
    case 'unreachable':
      return UNREACHABLE[family];
    case 'time-exceeded':
      return ICMP_ERRORS['time-exceeded'][family];
    default:
      return undefined;
  }
}

const UNREACHABLE: Readonly<Record<IpFamily, Said>> = {
  4: { type: ICMP_TYPE.destinationUnreachable, code: ICMP_CODE.hostUnreachable },
  6: { type: ICMPV6_TYPE.destinationUnreachable, code: ICMPV6_CODE.addressUnreachable },
};
