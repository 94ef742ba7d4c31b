// Reads the `SSL` block, which is for all SSL_GET.
import type { Findings } from '../text/place.ts';
import type { Statement } from '../text/statement.ts';
import { blockOf, ignore, type Keywords, readLevel, refuse } from '../values/read-values.ts';

const NO_CERTIFICATE =
  'culvert checks present no client certificate; fix: remove this keyword if the servers do not require a certificate';

export const SSL_KEYWORDS: Keywords<object> = {
  ca: ignore("keepalived verifies nothing with it; in culvert's YAML tlsVerify and tlsCaFile do"),
  password: ignore('it is the password of a client key, and checks present no client certificate'),
  certificate: refuse(NO_CERTIFICATE, 1),
  key: refuse(NO_CERTIFICATE, 1),
};

/** The `SSL` block, which is for all SSL_GET. */
export function readSsl(statement: Statement, findings: Findings): void {
  readLevel(blockOf(statement), { keywords: SSL_KEYWORDS, target: {}, level: 'in SSL' }, findings);
}
