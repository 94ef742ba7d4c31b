// The registry of error codes, with the exit status of each.

/** Every code that a CulvertError can carry; its summary and the exit status of a command that fails with it. */
export const ERROR_CODES = {
  CONFIG_UNREADABLE: { summary: 'The configuration file cannot be read.', exitStatus: 1 },
  CONFIG_INVALID: { summary: 'The configuration does not validate; nothing was changed.', exitStatus: 1 },
  USAGE: { summary: 'The command line is wrong.', exitStatus: 2 },
  NOT_FOUND: { summary: 'There is no such service or real.', exitStatus: 1 },
  CONFLICT: { summary: 'The running configuration differs from what the request expects.', exitStatus: 1 },
  NOT_RUNNING: { summary: 'No director answers on the control socket.', exitStatus: 1 },
  ALREADY_RUNNING: { summary: 'Another director already uses this interface.', exitStatus: 1 },
  PERMISSION: { summary: 'A capability is missing.', exitStatus: 1 },
  UNAUTHORIZED: { summary: 'The API requires a token.', exitStatus: 1 },
  FOREIGN_PAGE: {
    summary: 'The request names another host than the listener, or comes from a page of another site.',
    exitStatus: 1,
  },
  INTERFACE: { summary: 'An interface is missing or unsuitable.', exitStatus: 1 },
  XDP_OCCUPIED: { summary: 'Another XDP program is attached to the interface.', exitStatus: 1 },
  KERNEL: { summary: 'A kernel call failed.', exitStatus: 1 },
  SHORTAGE: { summary: 'This process or machine is short of descriptors, memory or ports.', exitStatus: 1 },
  NOT_SAVED: { summary: 'The change is in force, but could not be saved for the next start.', exitStatus: 1 },
  CAPACITY: { summary: 'The forwarding table exceeds the capacity of the plane.', exitStatus: 1 },
  UNSUPPORTED: { summary: 'This plane or kernel does not support the request.', exitStatus: 1 },
  JOURNAL: { summary: 'The journal is missing, or does not know the time.', exitStatus: 1 },
  CAPTURE_INVALID: { summary: 'The capture file cannot be read.', exitStatus: 1 },
  TIMEOUT: { summary: 'The expected condition did not occur in time.', exitStatus: 1 },
  API: { summary: 'The director refused the request.', exitStatus: 1 },
  REALSERVER: { summary: 'The real server could not be set up, verified or restored.', exitStatus: 1 },
  LAB: { summary: 'The lab did not start, or saw something unexpected.', exitStatus: 1 },
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;
