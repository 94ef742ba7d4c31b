// Errors by which this machine or process lacks a resource, with the fix for each.

/** A resource that this machine or process lacks, so that an action could not even be attempted. */
export interface LocalShortage {
  /** The system's name of it, `EMFILE`. */
  readonly code: string;
  readonly what: string;
  /** The fix for the operator. */
  readonly fix: string;
}

/** Errors that no remote host can cause; `code` apart, by name. */
const SHORTAGES: Readonly<Record<string, Omit<LocalShortage, 'code'>>> = {
  EMFILE: {
    what: 'this process has no file descriptors left',
    fix: 'raise its limit of open files (LimitNOFILE= in the systemd unit, or "ulimit -n" before the start)',
  },
  ENFILE: { what: 'this machine has no file descriptors left', fix: 'raise the sysctl fs.file-max' },
  ENOMEM: {
    what: 'the kernel has no memory left',
    fix: 'free memory, or raise MemoryMax= of the systemd unit',
  },
  ENOBUFS: {
    what: 'the kernel has no network buffers left',
    fix: 'free memory, or raise the sysctls net.core.wmem_max and net.core.optmem_max',
  },
  EADDRNOTAVAIL: {
    what: 'no local address or port is left to send from',
    fix: 'give this machine the source address of the check, or widen the sysctl net.ipv4.ip_local_port_range',
  },
  EADDRINUSE: {
    what: 'the local port to send from is in use',
    fix: 'set another source port for the check, or none',
  },
  EAGAIN: {
    what: 'the kernel currently refuses another process or packet',
    fix: 'raise TasksMax= of the systemd unit, "ulimit -u" or the sysctl kernel.pid_max',
  },
  ETXTBSY: {
    what: 'the program file is open for writing',
    fix: 'replace the program by renaming a complete file over it',
  },
  ERR_WORKER_INIT_FAILED: {
    what: 'this process cannot start another thread',
    fix: 'raise TasksMax= of the systemd unit and its limit of open files (LimitNOFILE=)',
  },
  ERR_WORKER_OUT_OF_MEMORY: { what: 'a thread has no memory left', fix: 'free memory' },
  ERR_MEMORY_ALLOCATION_FAILED: { what: 'this process has no memory left', fix: 'free memory' },
};

/** The shortage behind an error or any of its causes; undefined where it is something else. */
export function localShortageIn(error: unknown): LocalShortage | undefined {
  for (let found = error, depth = 0; found instanceof Object && depth < 8; depth++) {
    const { code, errno, cause } = found as { code?: unknown; errno?: unknown; cause?: unknown };
    // A failed kernel call of src/linux has its name in `errno`, where Node has a number.
    for (const name of [code, errno]) {
      const shortage =
        typeof name === 'string' && Object.hasOwn(SHORTAGES, name) ? SHORTAGES[name] : undefined;
      if (shortage !== undefined) return { code: name as string, ...shortage };
    }
    found = cause;
  }
  return undefined;
}

/** Errors that mean a shortage only for a check's socket or program; elsewhere they mean something else. */
const CHECKS_ONLY: readonly string[] = ['EADDRNOTAVAIL', 'EADDRINUSE', 'EAGAIN', 'ETXTBSY'];

/** The same for whatever else a process does: descriptors, memory, threads. */
export function resourceShortageIn(error: unknown): LocalShortage | undefined {
  const shortage = localShortageIn(error);
  return shortage !== undefined && CHECKS_ONLY.includes(shortage.code) ? undefined : shortage;
}

/** In one line, for messages. */
export function describeShortage({ code, what, fix }: LocalShortage): string {
  return `${what} (${code}); fix: ${fix}`;
}
