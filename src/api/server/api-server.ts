// The interface to which each file of routes adds its routes, and the parts of an API server.
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { DirectorControl } from '../../director/control.ts';
import type { Listener } from './listener.ts';
import type { TlsMaterial } from './tls-files.ts';

export interface ApiOptions {
  readonly control: DirectorControl;
  readonly version: string;
  /** Over TCP, where others than the director's user may reach it; undefined: the control socket. */
  readonly listener?: Listener | undefined;
  readonly tls?: TlsMaterial | undefined;
  /** `metrics`: /metrics and nothing else. */
  readonly routes?: 'all' | 'metrics';
  /** Called once the answer to `down` is on its way; the process is to end then. */
  readonly onDown: () => void;
}

/** An instance whose routes take their types from zod schemas. */
export type ApiServer = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>;
