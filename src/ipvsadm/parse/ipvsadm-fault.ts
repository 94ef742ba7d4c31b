/** A command that ipvsadm refuses. Thrown within this folder alone; what it exports hands it over as a value. */
export class AdmFault extends Error {
  readonly status: number;
  /** ipvsadm ends at once, whatever else it was to restore. */
  readonly ends: boolean;

  private constructor(message: string, status: number, ends: boolean) {
    super(message);
    this.status = status;
    this.ends = ends;
  }

  /** For options that are wrong in themselves. */
  static options(message: string): AdmFault {
    return new AdmFault(message, 2, true);
  }

  /** For an option that popt(3) refuses. */
  static popt(message: string): AdmFault {
    return new AdmFault(message, FAILED, false);
  }

  /** For a command that does not fit the current table. */
  static table(message: string): AdmFault {
    return new AdmFault(message, FAILED, false);
  }

  /** For a service to list that does not exist. */
  static listing(message: string): AdmFault {
    return new AdmFault(message, 1, true);
  }

  /** For a change that the director refuses, in its words. */
  static director(message: string): AdmFault {
    return new AdmFault(message, 1, false);
  }

  /** For a command line without a command. */
  static tryHelp(): AdmFault {
    return new AdmFault("Try `ipvsadm -h' or 'ipvsadm --help' for more information.", FAILED, true);
  }
}

/** The exit status for -1. */
const FAILED = 255;
