// The tunnel fields of a real's entry in the image.
import type { Tunnel } from '../../forwarding-table.ts';
import { checksumOf, portOf, tunnelOverheadBytes } from '../../tunnel/kind.ts';
import { REAL, REAL_FLAGS, TUNNEL_TYPE } from './layout.ts';

const CHECKSUM_FLAGS = REAL_FLAGS.checksum | REAL_FLAGS.remoteChecksum;

/** Writes the tunnel fields of `struct real`; REAL_OUTER_IPV6 must be set already. */
export function writeTunnel(view: DataView, at: number, tunnel: Tunnel): void {
  const checksum = checksumOf(tunnel);
  const kept = flagsAt(view, at) & ~CHECKSUM_FLAGS;
  const flag = { none: 0, full: REAL_FLAGS.checksum, remote: REAL_FLAGS.remoteChecksum }[checksum];
  const outer = kept & REAL_FLAGS.outerIpv6 ? 6 : 4;
  view.setUint16(at + REAL.flags, kept | flag, true);
  view.setUint8(at + REAL.tunnel, TUNNEL_TYPE[tunnel.type]);
  view.setUint8(at + REAL.overheadBytes, tunnelOverheadBytes(tunnel, outer));
  view.setUint16(at + REAL.tunnelPortBe, portOf(tunnel));
}

export function readTunnel(view: DataView, at: number): Tunnel {
  const flags = flagsAt(view, at);
  const full = (flags & REAL_FLAGS.checksum) !== 0;
  switch (view.getUint8(at + REAL.tunnel)) {
    case TUNNEL_TYPE.gre:
      return { type: 'gre', checksum: full ? 'full' : 'none' };
    case TUNNEL_TYPE.gue: {
      const remote = (flags & REAL_FLAGS.remoteChecksum) !== 0;
      const port = view.getUint16(at + REAL.tunnelPortBe);
      return { type: 'gue', checksum: remote ? 'remote' : full ? 'full' : 'none', port };
    }
    default:
      return { type: 'ipip' };
  }
}

/** Returns true if the fast path supports the tunnel: it computes no checksums of GRE or GUE. */
export function fastPathKnows(view: DataView, at: number): boolean {
  return (flagsAt(view, at) & CHECKSUM_FLAGS) === 0;
}

function flagsAt(view: DataView, at: number): number {
  return view.getUint16(at + REAL.flags, true);
}
