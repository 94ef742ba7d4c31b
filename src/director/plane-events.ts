// Turns what a plane tells into events.
import type { PlaneEvent, PlaneEventListener } from '../dataplane/data-plane.ts';
import { formatServiceName } from '../forwarding/service-name.ts';
import { formatIp } from '../net/address/ip-address.ts';
import type { EventLog } from './event-log.ts';

/** A listener to open a plane with: what the plane tells becomes the director's events. */
export function planeEventRecorder(events: EventLog): PlaneEventListener {
  return (event) => record(event, events);
}

function record(event: PlaneEvent, events: EventLog): void {
  switch (event.type) {
    case 'blackhole-cured': {
      const client = `${formatIp(event.client)}:${event.clientPort}`;
      const service = formatServiceName(event.service);
      events.add(
        'warning',
        event.type,
        `ICMP does not reach client ${client} of ${service}: its oversize packets are now forwarded in outer fragments`,
      );
      break;
    }
    case 'next-hop': {
      const real = formatIp(event.real);
      const state = event.resolved ? 'known' : 'unknown';
      events.add(
        event.resolved ? 'info' : 'warning',
        event.type,
        `the next hop to ${real} is ${state}: ${event.detail}`,
      );
      break;
    }
    case 'drift':
      events.add('warning', event.type, `${event.found}; ${event.done}`);
      break;
    case 'warning':
      events.add('warning', 'plane', event.message);
  }
}
