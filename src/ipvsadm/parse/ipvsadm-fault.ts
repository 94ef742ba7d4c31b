// The errors of ipvsadm commands.

/** A command that ipvsadm refuses. It is thrown only within this folder, whose exports return it as a value. */
export class AdmFault extends Error {
  readonly status: number;
  /** ipvsadm ends at once, whatever else it was to restore. */
  readonly ends: boolean;

  private constructor(message: string, status: number, ends: boolean) {
    super(message);
    this.status = status;
    this.ends = ends;
  }

  /** Creates the fault of options that are wrong in themselves. */
  static options(message: string): AdmFault {
    return new AdmFault(message, 2, true);
  }

  /** Creates the fault of an option that popt(3) refuses. */
  static popt(message: string): AdmFault {
    return new AdmFault(message, FAILED, false);
  }

  /** Creates the fault of a command that does not fit the current table. */
  static table(message: string): AdmFault {
    return new AdmFault(message, FAILED, false);
  }

  /** Creates the fault of a service to list that does not exist. */
  static listing(message: string): AdmFault {
    return new AdmFault(message, 1, true);
  }

  /** Creates the fault of a change that the director refuses, in its words. */
  static director(message: string): AdmFault {
    return new AdmFault(message, 1, false);
  }

  /** Creates the fault of a command line without a command. */
  static tryHelp(): AdmFault {
    return new AdmFault("Try `ipvsadm -h' or 'ipvsadm --help' for more information.", FAILED, true);
  }
}

/** The exit status for -1. */
const FAILED = 255;
