// File descriptors of BPF maps, programs and links.
import { closeSync } from 'node:fs';
import koffi from 'koffi';
import { withSpareDescriptors } from '../../spare-descriptors.ts';
import { checked } from '../errno.ts';
import { libbpf } from './libbpf.ts';
import { check } from './libbpf-result.ts';

const F_DUPFD_CLOEXEC = 1030;
const fcntl = koffi.load(null).func('int fcntl(int fd, int command, ...)');

/** A BPF object (map, program or link) that the kernel keeps for as long as a descriptor or a pin names it. */
export class BpfDescriptor implements Disposable {
  readonly fd: number;
  #open = true;

  constructor(fd: number) {
    this.fd = fd;
  }

  /** Gives it a name in bpffs, under which it outlives the process. */
  pin(path: string): void {
    check(`pin ${path}`, libbpf().bpf_obj_pin(this.fd, path));
  }

  [Symbol.dispose](): void {
    if (this.#open) closeSync(this.fd);
    this.#open = false;
  }
}

/** The descriptor of what is pinned at `path`. */
export function openPinned(path: string): number {
  return withSpareDescriptors(() => check(`open ${path}`, libbpf().bpf_obj_get(path)));
}

/** A second descriptor for the same object. */
export function duplicate(fd: number): number {
  return withSpareDescriptors(() =>
    checked('duplicate a descriptor', fcntl(fd, F_DUPFD_CLOEXEC, 'int', 0) as number),
  );
}

/** The first `bytes` of the kernel's bpf_map_info, bpf_prog_info or bpf_link_info for a descriptor. */
export function objectInfo(fd: number, bytes: number): DataView {
  const info = new Uint8Array(bytes);
  const length = new Uint8Array(Uint32Array.of(bytes).buffer);
  check('read information on a BPF object', libbpf().bpf_obj_get_info_by_fd(fd, info, length));
  return new DataView(info.buffer);
}
