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

  /** For an option that popt(3) does not take. */
  static popt(message: string): AdmFault {
    return new AdmFault(message, FAILED, false);
  }

  /** For what does not go with the table as it is. */
  static table(message: string): AdmFault {
    return new AdmFault(message, FAILED, false);
  }

  /** For a service that is to be listed, and is not there. */
  static listing(message: string): AdmFault {
    return new AdmFault(message, 1, true);
  }

  /** For what the director does not take, in its words. */
  static director(message: string): AdmFault {
    return new AdmFault(message, 1, false);
  }

  /** For what is no command at all. */
  static tryHelp(): AdmFault {
    return new AdmFault("Try `ipvsadm -h' or 'ipvsadm --help' for more information.", FAILED, true);
  }
}

/** What -1 is as an exit status. */
const FAILED = 255;
