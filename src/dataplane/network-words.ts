// Errors of sockets in an operator's words.
const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EPIPE: 'connection reset',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network unreachable',
  // The answer of a host without decapsulation to a tunnel packet.
  ENOPROTOOPT: 'protocol unreachable',
  ETIMEDOUT: 'no answer',
};

/** Converts a socket's error to what it says about the network, in an operator's words. */
export function networkError(error: NodeJS.ErrnoException): Error {
  return new Error(WORDS[error.code ?? ''] ?? error.message, { cause: error });
}
