import { lookUpUser } from '../linux/user.ts';
import type { Model } from './model.ts';
import { messageOf } from './words.ts';

/** What is wrong with the users that commands are to be run as, each told once: the first failure would be a late time to learn of it. */
export function unknownUsers({ services }: Model): readonly string[] {
  const commands = services.flatMap(({ config }) => [
    config.onQuorumUp,
    config.onQuorumDown,
    ...config.reals.flatMap(({ onUp, onDown }) => [onUp, onDown]),
  ]);
  const users = new Set(commands.map((command) => command?.user).filter((user) => user !== undefined));
  return [...users].map(faultOf).filter((fault) => fault !== undefined);
}

function faultOf(user: string): string | undefined {
  try {
    lookUpUser(user);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
