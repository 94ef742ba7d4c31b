// The attachment of an XDP program to an interface.
import { constants } from 'node:os';
import { CulvertError } from '../../errors.ts';
import { withSpareDescriptors } from '../../spare-descriptors.ts';
import { BpfDescriptor, objectInfo, openPinned } from './bpf-descriptor.ts';
import type { BpfProgram } from './bpf-program.ts';
import { libbpf } from './libbpf.ts';
import { check } from './libbpf-result.ts';
import { queryXdp } from './query.ts';

export type XdpMode = 'native' | 'generic';

const { EBUSY, EEXIST } = constants.errno;
const BPF_XDP = 37;
const MODE_FLAGS = { generic: 1 << 1, native: 1 << 2 } as const;
const LINK_CREATE = { size: 56, flags: 8 } as const;

/** A program's attachment to an interface. It ends when neither a descriptor nor a pin holds it any more. */
export class XdpLink extends BpfDescriptor {
  /**
   * @throws CulvertError XDP_OCCUPIED when there is an XDP program on the interface, KERNEL when the driver cannot
   *   do the mode (EOPNOTSUPP and the like), PERMISSION.
   */
  static create(program: BpfProgram, ifIndex: number, mode: XdpMode): XdpLink {
    const options = new Uint8Array(LINK_CREATE.size);
    const view = new DataView(options.buffer);
    view.setBigUint64(0, BigInt(LINK_CREATE.size), true);
    view.setUint32(LINK_CREATE.flags, MODE_FLAGS[mode], true);
    const fd = withSpareDescriptors(() => {
      const created = libbpf().bpf_link_create(program.fd, ifIndex, BPF_XDP, options);
      if (created === -EBUSY || created === -EEXIST) throw occupied(ifIndex);
      return check(`attach to interface ${ifIndex} in ${mode} mode`, created);
    });
    return new XdpLink(fd);
  }

  static openPinned(path: string): XdpLink {
    return new XdpLink(openPinned(path));
  }

  /** Replaces the program; every packet meets either the old or the new one. */
  update(program: BpfProgram): void {
    check('replace the XDP program', libbpf().bpf_link_update(this.fd, program.fd, null));
  }

  /** Ends the attachment, whoever else still holds the link. */
  detach(): void {
    check('detach the XDP program', libbpf().bpf_link_detach(this.fd));
  }

  /** `ifIndex` is 0 once the interface is gone or the link was detached. */
  info(): { readonly ifIndex: number; readonly programId: number } {
    const info = objectInfo(this.fd, 24);
    return { ifIndex: info.getUint32(16, true), programId: info.getUint32(8, true) };
  }
}

function occupied(ifIndex: number): CulvertError {
  const attached = queryXdp(ifIndex);
  const which = attached === undefined ? '' : ` (id ${attached.programId}, ${attached.mode} mode)`;
  return new CulvertError(
    'XDP_OCCUPIED',
    `interface ${ifIndex} has another XDP program${which}. fix: identify it ("bpftool net"), then detach it ("ip link set dev NAME xdp off")`,
  );
}
