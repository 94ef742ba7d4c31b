// Reads and translates quorum, hysteresis and their commands.
import type { Findings } from '../text/place.ts';
import { keywordOf, placeOf } from '../text/statement.ts';
import { readCNumber } from '../values/c-number.ts';
import { flag, number } from '../values/keywords.ts';
import type { Settings } from '../values/plain-settings.ts';
import { type PlainCommand, readCommand } from '../values/read-command.ts';
import { type Keywords, originOf, required, type Setting, tellTaken } from '../values/read-values.ts';

/** Settings of a virtual server for all its real servers together. */
export interface ReadQuorum {
  quorum?: Setting<number> | undefined;
  hysteresis?: Setting<number> | undefined;
  onQuorumUp?: Setting<PlainCommand> | undefined;
  onQuorumDown?: Setting<PlainCommand> | undefined;
  omega?: Setting<boolean> | undefined;
}

const MAX_UNSIGNED = 2 ** 32 - 1;
const QUORUM_RANGE = `a whole number from 1 to ${MAX_UNSIGNED}`;

export const QUORUM: Keywords<ReadQuorum> = {
  quorum: {
    parameters: 1,
    read: (statement, server, findings): void => {
      const found = required(statement, QUORUM_RANGE, findings);
      if (found === undefined) return;
      const { value, fault } = readCNumber(found.text, { from: 1, to: MAX_UNSIGNED }, { lenient: true });
      // keepalived takes 1 for what it cannot read.
      server.quorum = { value: value ?? 1, origin: originOf(statement, found) };
      if (fault !== undefined)
        tellTaken(statement, found, { allowed: QUORUM_RANGE, findings, taken: `${value ?? 1}` });
    },
  },
  hysteresis: number('hysteresis', { from: 0, to: MAX_UNSIGNED }),
  quorum_up: command('onQuorumUp'),
  quorum_down: command('onQuorumDown'),
  omega: flag('omega'),
};

/** A keyword of a command, which counts once. */
export function command<Name extends string>(
  name: Name,
): Keywords<{ [name in Name]?: Setting<PlainCommand> | undefined }>[string] {
  return {
    parameters: 3,
    read: (statement, target, findings): void => {
      if (target[name] === undefined) target[name] = readCommand(statement, findings);
      else
        findings.complain(
          placeOf(statement),
          `${keywordOf(statement)}: the first one counts, as in keepalived`,
        );
    },
  };
}

interface Weights {
  /** The configured weights of all real servers. */
  readonly total: number;
  /** True if checks may raise the weights. */
  readonly grow: boolean;
}

/**
 * culvert's options for them. keepalived lowers a quorum that all real servers together do not reach, and a hysteresis
 * that is not below the quorum. With a hysteresis that reaches above all weights a quorum that was lost would stay lost.
 */
export function quorumSettings(server: ReadQuorum, { total, grow }: Weights, findings: Findings): Settings {
  const quorum = total === 0 ? undefined : lowered(server.quorum, [{ most: total, why: ALL }], findings);
  const needed = quorum?.value ?? 1;
  const limits: Limit[] = [{ most: needed - 1, why: 'one less than the quorum, as in keepalived' }];
  if (!grow)
    limits.push({
      most: Math.max(0, total - needed),
      why: 'so that the weights can reach the quorum again',
      isOwn: true,
    });
  return { quorum, hysteresis: lowered(server.hysteresis, limits, findings) };
}

const ALL = 'the weights of all real servers together, as in keepalived';

interface Limit {
  readonly most: number;
  readonly why: string;
  /** culvert's, which keepalived does not have. */
  readonly isOwn?: true;
}

function lowered(
  setting: Setting<number> | undefined,
  limits: readonly Limit[],
  findings: Findings,
): Setting<number> | undefined {
  return limits.reduce((current, { most, why, isOwn }) => {
    if (current === undefined || current.value <= most) return current;
    const { place, keyword } = current.origin;
    const message = `${keyword}: found ${current.value}; read as ${most}, ${why}`;
    if (isOwn) findings.warn(place, message);
    else findings.complain(place, message);
    return { ...current, value: most };
  }, setting);
}
