// A router between simulated links.
import { ICMP_TYPE, isIcmpError } from '../../../net/headers/icmp.ts';
import { PROTOCOL } from '../../../net/headers/ipv4.ts';
import type { EventLoop } from './event-loop.ts';
import { IpStack } from './ip-stack.ts';

/** A router between links; like some firewalls it can drop every ICMP error that it should pass on. */
export class Router {
  readonly ip: IpStack;
  filtersIcmpErrors = false;
  /** ICMP errors that the filter dropped. */
  filtered = 0;

  constructor(loop: EventLoop) {
    this.ip = new IpStack(loop);
    this.ip.isRouter = true;
    this.ip.forwardFilter = (packet, header) => {
      const type = packet[header.headerBytes] ?? ICMP_TYPE.echoReply;
      const drop = this.filtersIcmpErrors && header.protocol === PROTOCOL.icmp && isIcmpError(type);
      if (drop) this.filtered++;
      return !drop;
    };
  }
}
