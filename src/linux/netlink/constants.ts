// The constants of netlink that culvert uses.

/** Constants of include/uapi/linux/{netlink,rtnetlink,if_link,if_addr,neighbour,fib_rules}.h that culvert uses. */
export const NLM_F = {
  request: 1,
  multi: 2,
  ack: 4,
  dumpInterrupted: 16,
  ackTlvs: 0x200,
  dump: 0x300,
  replace: 0x100,
  exclusive: 0x200,
  create: 0x400,
} as const;

export const NLMSG = { error: 2, done: 3, overrun: 4 } as const;

export const RTM = {
  newLink: 16,
  deleteLink: 17,
  getLink: 18,
  setLink: 19,
  newAddress: 20,
  deleteAddress: 21,
  getAddress: 22,
  newRoute: 24,
  deleteRoute: 25,
  getRoute: 26,
  newNeighbour: 28,
  deleteNeighbour: 29,
  getNeighbour: 30,
  newRule: 32,
  deleteRule: 33,
  getRule: 34,
} as const;

export const RTNLGRP = {
  link: 1,
  neighbour: 3,
  ipv4Address: 5,
  ipv4Route: 7,
  ipv4Rule: 8,
  ipv6Address: 9,
  ipv6Route: 11,
  ipv6Rule: 19,
} as const;

export const IFF = { up: 1, noArp: 0x80, lowerUp: 0x10000 } as const;

export const NUD = {
  incomplete: 0x01,
  reachable: 0x02,
  stale: 0x04,
  delay: 0x08,
  probe: 0x10,
  failed: 0x20,
  noArp: 0x40,
  permanent: 0x80,
} as const;

/** Flags of an address: `tentative` until duplicate address detection is over, `deprecated`: no source of new flows. */
export const IFA_F = {
  noDad: 0x02,
  dadFailed: 0x08,
  deprecated: 0x20,
  tentative: 0x40,
  permanent: 0x80,
} as const;

export const RTN = { unicast: 1, local: 2, broadcast: 3, blackhole: 6, unreachable: 7, prohibit: 8 } as const;

export const RT_TABLE = { main: 254, local: 255 } as const;
