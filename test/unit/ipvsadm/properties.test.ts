// What is saved is read back as the same table.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { readDocument } from '../../../src/config/load/read-document.ts';
import type { ConfigDocument } from '../../../src/contract/config/config-document.ts';
import { SCHEDULER_NAMES } from '../../../src/forwarding/scheduler-names.ts';
import { editAll } from '../../../src/ipvsadm/edit/edit-all.ts';
import type { AdmEdit } from '../../../src/ipvsadm/parse/ipvsadm-command.ts';
import { AdmFault } from '../../../src/ipvsadm/parse/ipvsadm-fault.ts';
import { parseCommand } from '../../../src/ipvsadm/parse/parse-command.ts';
import { restoreLines } from '../../../src/ipvsadm/parse/restore-lines.ts';
import type { ListedServer, ListedService } from '../../../src/ipvsadm/print/listed.ts';
import { sortServices } from '../../../src/ipvsadm/print/order.ts';
import { rulesText } from '../../../src/ipvsadm/print/print-rules.ts';
import { formatIp } from '../../../src/net/address/ip-address.ts';
import { GOLDEN_NAMES } from './golden-names.ts';

const NOTHING = { connections: 0, packets: 0, bytes: 0 };

const tunnel: fc.Arbitrary<ListedServer['tunnel']> = fc.oneof(
  fc.constant({ type: 'ipip', port: 0, checksum: 'none' } as const),
  fc.record({
    type: fc.constant('gre' as const),
    port: fc.constant(0),
    checksum: fc.constantFrom('none', 'full'),
  }),
  fc.record({
    type: fc.constant('gue' as const),
    port: fc.integer({ min: 1, max: 65_535 }),
    checksum: fc.constantFrom('none', 'full', 'remote'),
  }),
);

const address = fc.oneof(
  fc.integer({ min: 1, max: 254 }).map((host) => `10.0.3.${host}`),
  fc.integer({ min: 1, max: 0xffff }).map((host) => `2001:db8:3::${host.toString(16)}`),
);

const server: fc.Arbitrary<ListedServer> = fc
  .record({
    address,
    tunnel,
    weight: fc.integer({ min: 0, max: 65_535 }),
    upperThreshold: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
    lowerThreshold: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  })
  .map((fields) => ({
    ...fields,
    lowerThreshold: Math.min(fields.lowerThreshold, fields.upperThreshold),
    activeFlows: 0,
    inactiveFlows: 0,
    persistentClients: 0,
    counted: NOTHING,
    perSecond: NOTHING,
  }));

const flagsOf = (scheduler: string): fc.Arbitrary<string[]> => {
  if (scheduler === 'sh') return fc.subarray(['sh-fallback', 'sh-port']);
  return scheduler === 'mh' ? fc.subarray(['mh-port']) : fc.constant([]);
};

const service: fc.Arbitrary<ListedService> = fc
  .record({
    ipv6: fc.boolean(),
    protocol: fc.constantFrom('tcp', 'udp', 'sctp'),
    port: fc.integer({ min: 0, max: 65_535 }),
    scheduler: fc.constantFrom(...SCHEDULER_NAMES),
    seconds: fc.option(fc.integer({ min: 1, max: 2_678_400 })),
    bits: fc.integer({ min: 1, max: 128 }),
    onePacket: fc.boolean(),
    servers: fc.uniqueArray(server, { maxLength: 4, selector: (each) => each.address }),
  })
  .chain(({ ipv6, protocol, port, scheduler, seconds, bits, onePacket, servers }) =>
    flagsOf(scheduler).map((flags): ListedService => {
      // Without persistence a service has a port; with it each packet is not on its own.
      const isPersistent = seconds !== null || port === 0;
      return {
        protocol,
        address: ipv6 ? '2001:db8::10' : '192.0.2.10',
        port,
        morePorts: [],
        settings: {
          scheduler,
          flags,
          persistence: isPersistent
            ? { seconds: seconds ?? 300, prefix: ipv6 ? bits : Math.min(bits, 32) }
            : undefined,
          onePacket: onePacket && protocol === 'udp' && !isPersistent,
        },
        counted: NOTHING,
        perSecond: NOTHING,
        servers: onePacket
          ? servers.map((each) => ({ ...each, upperThreshold: 0, lowerThreshold: 0 }))
          : servers,
      };
    }),
  );

const table = fc.uniqueArray(service, {
  maxLength: 5,
  selector: ({ protocol, address: vip, port }) => `${protocol} ${vip} ${port}`,
});

test('what -S prints is the same table when -R has read it', () => {
  fc.assert(
    fc.property(table, (services) => {
      const edits = restoreLines(rulesText(services, undefined)).map(
        (words) => parseCommand(words, GOLDEN_NAMES) as AdmEdit,
      );
      expect(edits.filter((command) => command instanceof AdmFault)).toEqual([]);
      const empty: ConfigDocument = { director: { plane: 'simulated' }, services: [] };
      const { config, faults } = editAll(empty, edits);
      expect(faults).toEqual([]);
      expect(listed(config)).toEqual(sortServices(services));
    }),
  );
});

/** The table of a configuration, as it is read. */
function listed(config: ConfigDocument): ListedService[] {
  const services = readDocument(config).config.services.map((each): ListedService => {
    const { scheduler, schedulerFlags, hashOn, persistence, onePacket } = each;
    return {
      protocol: each.protocol,
      address: formatIp(each.vip),
      port: each.port,
      morePorts: each.morePorts,
      settings: {
        scheduler,
        flags: scheduler === 'mh' && hashOn === 'flow' ? ['mh-port'] : schedulerFlags,
        persistence: persistence && {
          seconds: persistence.timeoutMs / 1000,
          prefix: persistence.prefixLength,
        },
        onePacket,
      },
      counted: NOTHING,
      perSecond: NOTHING,
      servers: each.reals.map((real) => {
        const { type, ...rest } = real.tunnel ?? each.tunnel;
        return {
          address: formatIp(real.address),
          tunnel: { port: 0, checksum: 'none', ...rest, type },
          weight: real.weight,
          upperThreshold: real.upperThreshold,
          lowerThreshold: real.lowerThreshold,
          activeFlows: 0,
          inactiveFlows: 0,
          persistentClients: 0,
          counted: NOTHING,
          perSecond: NOTHING,
        };
      }),
    };
  });
  return sortServices(services);
}
