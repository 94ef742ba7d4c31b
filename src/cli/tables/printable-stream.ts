// The stream between commands and a terminal, which removes control characters.
import { printableStyledText, printableText } from '../../printable-text.ts';
import { coloursOn } from './style.ts';

/**
 * The same stream, whose `write` takes text and makes it printable: file names, arguments, and what servers have said
 * come into messages in many places, and one of them would be forgotten.
 */
export function printableStream<Stream extends NodeJS.WritableStream>(
  stream: Stream,
  env: NodeJS.ProcessEnv,
): Stream {
  const printable = coloursOn(stream, env) ? printableStyledText : printableText;
  const write = (chunk: string | Uint8Array, ...others: []): boolean =>
    stream.write(typeof chunk === 'string' ? printable(chunk) : chunk, ...others);
  return new Proxy(stream, {
    get: (target, name) => {
      if (name === 'write') return write;
      const value: unknown = Reflect.get(target, name, target);
      // Streams keep private state that a proxy has not.
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
