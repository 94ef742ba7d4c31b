// Attaches a program to a tracepoint of the kernel.
import { BpfDescriptor } from './bpf-descriptor.ts';
import type { BpfProgram } from './bpf-program.ts';
import { libbpf } from './libbpf.ts';
import { check } from './libbpf-result.ts';

/** A program's attachment to one of the kernel's tracepoints; ends with its descriptor. */
export class RawTracepoint extends BpfDescriptor {
  /** @throws CulvertError PERMISSION, or KERNEL ENOENT when the kernel has no such tracepoint. */
  static attach(program: BpfProgram, name: string): RawTracepoint {
    return new RawTracepoint(
      check(`attach to the tracepoint ${name}`, libbpf().bpf_raw_tracepoint_open(name, program.fd)),
    );
  }
}
