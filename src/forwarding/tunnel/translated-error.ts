// Translates errors about outer packets into errors for the client.
import type { IpFamily } from '../../net/address/ip-address.ts';
import { ICMP_CODE, ICMP_TYPE } from '../../net/headers/icmp.ts';
import { ICMPV6_CODE, ICMPV6_TYPE } from '../../net/headers/icmpv6.ts';
import { ICMP_ERRORS, type IcmpError } from '../answers/answers.ts';
import type { TunnelError } from './tunnel-error.ts';

type Said = Pick<IcmpError, 'type' | 'code'>;

/**
 * What a client of this family is told of an error from the path of a tunnel: the very same where the tunnel is of its own
 * family. Otherwise that the real cannot be reached; whereto exactly is not the client's concern (RFC 2473, section 8.2).
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
