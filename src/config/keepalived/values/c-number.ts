// Numbers as keepalived reads them with strtoul(), strtol() and strtoull() of the C library (lib/parser.c).

export interface Range {
  readonly from: number;
  readonly to: number;
}

/** A value that keepalived works with; `fault` says what it complains of. Without a value it ignores the keyword. */
export type ReadOutcome =
  | { readonly value: number; readonly fault?: string }
  | { readonly value?: undefined; readonly fault: string };

interface NumberOptions {
  /** True if keepalived takes the digits before other characters for the number (`ignore_error`). */
  readonly lenient: boolean;
  readonly signed?: boolean;
}

export function readCNumber(
  text: string,
  range: Range,
  { lenient, signed = false }: NumberOptions,
): ReadOutcome {
  const [whole = '', sign = '', digits = ''] = /^[ \t\f\n\r\v]*([+-]?)(\d*)/.exec(text) ?? [];
  const number = Number(digits) * (sign === '-' ? -1 : 1) + 0;
  const rest = digits === '' ? text.trim() : text.slice(whole.length);
  const inRange = number >= range.from && number <= range.to;
  const usable = inRange && (signed || number >= 0);
  if (rest === '' && inRange && (signed || sign !== '-')) return { value: number };
  const fault = rest === '' ? 'out of range' : 'not a number';
  return usable && lenient ? { value: number, fault } : { fault };
}

/** A time in whole microseconds; `microseconds` is what keepalived takes a text such as `3s` for. */
export type TimerOutcome =
  | ReadOutcome
  | { readonly value?: undefined; readonly fault: string; readonly microseconds: number };

const DECIMALS = 6;
const MICROSECONDS = 10 ** DECIMALS;
/** ULONG_MAX - 1: more cannot be written. */
export const LONGEST_TIMER: number = 2 ** 64 - 2;

/** keepalived's TIMER: seconds with up to six decimals (read_decimal_unsigned_long_func()). */
export function readCTimer(text: string, range: Range): TimerOutcome {
  if (text.startsWith('-')) return { fault: 'negative' };
  const [, digits, decimals = ''] = /^[ \t\f\n\r\v]*\+?(\d*)(?:\.(\d*))?$/.exec(text) ?? [];
  if (digits === undefined) return misread(text, range);
  const fraction = decimals.slice(0, DECIMALS).padEnd(DECIMALS, '0');
  const roundedUp = (decimals[DECIMALS] ?? '0') >= '5' ? 1 : 0;
  const value = Number(digits) * MICROSECONDS + Number(fraction) + roundedUp;
  if (value < range.from || value > range.to) return { fault: 'out of range' };
  return decimals.length > DECIMALS ? { value, fault: 'more than six decimals' } : { value };
}

/** Reads a timer as keepalived misreads it: with other characters it appends zeros behind them, and so reads microseconds. */
function misread(text: string, range: Range): TimerOutcome {
  const microseconds = Number(/^[ \t\f\n\r\v]*\+?(\d*)/.exec(text.replace('.', ''))?.[1] ?? '');
  if (microseconds < range.from || microseconds > range.to) return { fault: 'not a number' };
  if (microseconds === 0) return { value: 0, fault: 'not a number' };
  return { fault: 'not a number', microseconds };
}
