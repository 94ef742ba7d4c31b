import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as layout from '../../../src/forwarding/image/tables/layout.ts';
import { parseCHeader } from './c-header.ts';

const header = parseCHeader(readFileSync(new URL('../../../bpf/layout.h', import.meta.url), 'utf8'));

/** The TypeScript name of each member; what is reserved has none. */
const STRUCTS = {
  settings: {
    mirror: layout.SETTINGS,
    members: {
      hash_key: 'hashKey',
      slow_path_ifindex: 'slowPathIfIndex',
      flow_set_mask: 'flowSetMask',
      now: 'now',
      layout_version: 'layoutVersion',
      outer_id: 'outerId',
      budget: 'budget',
      patience: 'patience',
    },
  },
  service: {
    mirror: layout.SERVICE,
    members: {
      vip: 'vipBe',
      port: 'portBe',
      protocol: 'protocol',
      kind: 'kind',
      index: 'index',
      port_mask: 'portMask',
      ring: 'ring',
    },
  },
  real: {
    mirror: layout.REAL,
    members: {
      next_hop_mac: 'nextHopMac',
      state: 'state',
      source_mac: 'sourceMac',
      mtu: 'mtuBytes',
      ifindex: 'ifIndex',
      service_index: 'serviceIndex',
      tunnel: 'tunnel',
      overhead: 'overheadBytes',
      outer_source: 'outerSourceBe',
      outer_destination: 'outerDestinationBe',
      tunnel_port: 'tunnelPortBe',
      vlan: 'vlan',
      weight: 'weight',
      flags: 'flags',
    },
  },
  no_clients: { mirror: layout.NO_CLIENTS, members: { filter: 'filter', words: 'words' } },
  spending: { mirror: layout.SPENDING, members: { epoch: 'epoch', packets: 'packets' } },
  hand_over: {
    mirror: layout.HAND_OVER,
    members: {
      epoch: 'epoch',
      answers_ifindex: 'answersIfIndex',
      level: 'level',
      total: 'total',
      shares: 'shares',
    },
  },
  flow: { mirror: layout.FLOW, members: { key: 'key', value: 'value' } },
  counters: {
    mirror: layout.COUNTERS,
    members: { packets: 'packets', bytes: 'bytes', connections: 'connections' },
  },
} as const;

const CONSTANTS: Readonly<Record<string, number | bigint>> = {
  LAYOUT_VERSION: layout.LAYOUT_VERSION,
  RARE_OPENING: layout.RARITY.opening,
  RARE_NEIGHBOUR: layout.RARITY.neighbour,
  RARE_OTHER: layout.RARITY.other,
  RARE_ANSWER: layout.RARITY.answer,
  RARITIES: layout.RARITIES,
  SHARES: layout.SHARES,
  ALL_SHARES: layout.ALL_SHARES,
  CHECK_TCP: layout.CHECK_ROW.tcp,
  CHECK_UDP: layout.CHECK_ROW.udp,
  CHECK_ECHO: layout.CHECK_ROW.icmp,
  CHECK_WORDS: layout.CHECK_WORDS,
  NO_CLIENT_FILTER: layout.NO_CLIENT_FILTER,
  NO_CLIENT_PLACES: layout.NO_CLIENT_PLACES,
  NO_CLIENT_PROBES: layout.NO_CLIENT_PROBES,
  SERVICE_EMPTY: layout.SERVICE_KIND.empty,
  SERVICE_VIP: layout.SERVICE_KIND.vip,
  SERVICE_HASH: layout.SERVICE_KIND.hash,
  SERVICE_ROTATION: layout.SERVICE_KIND.rotation,
  SERVICE_DELEGATED: layout.SERVICE_KIND.delegated,
  SERVICE_TURNS: layout.SERVICE_KIND.turns,
  SERVICE_RARE: layout.SERVICE_KIND.rare,
  CLAIM_ALWAYS: layout.VIP_CLAIM.always,
  CLAIM_HOST: layout.VIP_CLAIM.host,
  CLAIM_NEVER: layout.VIP_CLAIM.never,
  SERVICE_IPV6: layout.SERVICE_IPV6,
  SERVICE_BUCKET_BITS: layout.SERVICE_BUCKET_BITS,
  SERVICE_BUCKETS: layout.SERVICE_BUCKETS,
  SERVICE_PROBES: layout.SERVICE_PROBES,
  SERVICES: layout.SERVICES,
  SLOTS_PER_LINE: layout.SLOTS_PER_LINE,
  SLOT_REAL_BITS: layout.SLOT_REAL_BITS,
  SLOT_REAL_MASK: layout.SLOT_REAL_MASK,
  SLOT_TRACKED: layout.SLOT_TRACKED,
  REALS: layout.REALS,
  REAL_SERVING: layout.REAL_STATE.serving,
  REAL_RESOLVED: layout.REAL_STATE.resolved,
  REAL_LOCAL: layout.REAL_STATE.local,
  TUNNEL_IPIP: layout.TUNNEL_TYPE.ipip,
  TUNNEL_GRE: layout.TUNNEL_TYPE.gre,
  TUNNEL_GUE: layout.TUNNEL_TYPE.gue,
  REAL_OUTER_IPV6: layout.REAL_FLAGS.outerIpv6,
  REAL_OVERLOADED: layout.REAL_FLAGS.overloaded,
  REAL_CHECKSUM: layout.REAL_FLAGS.checksum,
  REAL_REMOTE_CHECKSUM: layout.REAL_FLAGS.remoteChecksum,
  REAL_VLAN: layout.REAL_VLAN,
  REAL_REDIRECT: layout.REAL_REDIRECT,
  FLOW_WAYS: layout.FLOW_WAYS,
  FLOW_BUSY: layout.FLOW_BUSY,
  FLOW_NONE: layout.FLOW_STATE.none,
  FLOW_SYN_RECV: layout.FLOW_STATE.synRecv,
  FLOW_ESTABLISHED: layout.FLOW_STATE.established,
  FLOW_FIN_WAIT: layout.FLOW_STATE.finWait,
  FLOW_CLOSE: layout.FLOW_STATE.close,
  FLOW_UDP: layout.FLOW_STATE.udp,
  FLOW_TIME_WAIT: layout.FLOW_STATE.timeWait,
  FLOW_TEMPLATE: layout.FLOW_STATE.template,
  FLOW_TEMPLATE_ASSURED: layout.FLOW_STATE.assuredTemplate,
  FLOW_SCTP_INIT1: layout.FLOW_STATE.sctpInit1,
  FLOW_SCTP_INIT: layout.FLOW_STATE.sctpInit,
  FLOW_SCTP_COOKIE_ECHOED: layout.FLOW_STATE.sctpCookieEchoed,
  FLOW_SCTP_ESTABLISHED: layout.FLOW_STATE.sctpEstablished,
  FLOW_SCTP_SHUTDOWN: layout.FLOW_STATE.sctpShutdown,
  FLOW_SCTP_CLOSED: layout.FLOW_STATE.sctpClosed,
  FLOW_ACTIVE_STATES: layout.FLOW_ACTIVE_STATES,
  FLOW_COSTS: layout.FLOW_COSTS,
  FLOW_LIMITS: layout.FLOW_LIMITS,
  FLOW_SPENT_TICKS: layout.FLOW_SPENT_TICKS,
};

describe('bpf/layout.h and layout.ts', () => {
  it.each(Object.entries(STRUCTS))('agree on struct %s', (name, { mirror, members }) => {
    const struct = header.structs.get(name);
    const { size, ...offsets } = mirror as Record<string, number>;
    expect(size).toBe(struct?.size);
    const named = Object.entries(members).map(([member, property]) => [property, struct?.offsets[member]]);
    expect(offsets).toEqual(Object.fromEntries(named));
  });

  it('agree on every constant that the header defines', () => {
    const mirrored = Object.entries(CONSTANTS).map(([name, value]) => [name, BigInt(value)] as const);
    expect(Object.fromEntries(header.constants)).toEqual(Object.fromEntries(mirrored));
  });

  it('agree on lines of slots and sets of flows', () => {
    expect(header.structs.get('slot_line')?.size).toBe(4 * layout.SLOTS_PER_LINE);
    expect(header.structs.get('flow_set')?.size).toBe(64);
    expect(header.structs.get('flow_clients')?.size).toBe(layout.FLOW_CLIENT_SIZE * layout.FLOW_WAYS);
  });
});
