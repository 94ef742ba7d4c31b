// The one error class of culvert.
import { ERROR_CODES, type ErrorCode } from './error-codes.ts';

export interface ErrorDetails {
  /** The place of the fault: `file:line:column`, an interface, a service. */
  readonly where?: string;
  readonly cause?: unknown;
}

/** The one error class of culvert: a stable code and a sentence in an operator's words. */
export class CulvertError extends Error {
  readonly code: ErrorCode;
  readonly where: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(details.where === undefined ? message : `${details.where}: ${message}`, { cause: details.cause });
    this.name = 'CulvertError';
    this.code = code;
    this.where = details.where;
  }

  /** The exit status of a command that fails with this error (sysexits.h where it has a fitting one). */
  get exitStatus(): number {
    return ERROR_CODES[this.code].exitStatus;
  }
}
