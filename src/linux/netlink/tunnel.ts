import { encodeAttributes, text } from './attributes.ts';
import { NLM_F, RTM } from './constants.ts';
import type { NetlinkSocket } from './socket.ts';

const IFLA = { name: 3, linkInfo: 18 } as const;
const IFLA_INFO_KIND = 1;
const IFINFOMSG_BYTES = 16;

/**
 * Makes an ipip device without addresses: it takes the packets of every sender, as the module's own `tunl0` does.
 * @throws CulvertError KERNEL: EOPNOTSUPP when the kernel has no ipip, EEXIST when there is such a device.
 */
export function createIpip(socket: NetlinkSocket, name: string): void {
  socket.request({
    operation: `create the ipip device ${name}`,
    type: RTM.newLink,
    flags: NLM_F.create | NLM_F.exclusive,
    payload: Buffer.concat([
      Buffer.alloc(IFINFOMSG_BYTES),
      encodeAttributes([
        [IFLA.name, text(name)],
        [IFLA.linkInfo, [[IFLA_INFO_KIND, text('ipip')]]],
      ]),
    ]),
  });
}
