// Reads and translates `sorry_server`.
import type { IssuePath } from '../../validate/issue.ts';
import type { Word } from '../text/cut-words.ts';
import type { Findings } from '../text/place.ts';
import { keywordOf, parametersOf, placeOf, type Statement } from '../text/statement.ts';
import type { Origins } from '../values/origins.ts';
import { plainSettings } from '../values/plain-settings.ts';
import { ownPort, readAddress, readPort, tellOtherPort, type WrittenPort } from '../values/port.ts';
import { IGNORED, type Keywords, originOf, required, type Setting } from '../values/read-values.ts';
import { ownTunnel } from './culvert-tunnel.ts';
import { type PlainTunnel, type ReadMethod, readForwardingMethod } from './forwarding-method.ts';

/** A `sorry_server` as it is written. */
export interface SorryServer {
  readonly address: Word;
  readonly statement: Statement;
  readonly port: WrittenPort | undefined;
  inhibit?: Setting<boolean> | undefined;
  /** The method that the virtual server named before this block. */
  readonly inherited: ReadMethod | undefined;
  tunnel?: ReadMethod | undefined;
}

export interface ReadSorryServer {
  sorry?: SorryServer | undefined;
  tunnel?: ReadMethod | undefined;
}

const SKIPPED = 'the sorry server is skipped, as in keepalived';

export const SORRY_SERVER: Keywords<ReadSorryServer> = {
  sorry_server: {
    parameters: 2,
    read: (statement, server, findings): void => {
      const address = required(statement, 'the address of the sorry server', findings);
      if (address === undefined) return;
      const [, portWord] = parametersOf(statement);
      const context = { statement, skipped: SKIPPED };
      const port = readPort(portWord, context, findings);
      const found = port === undefined ? undefined : readAddress(address, context, findings);
      if (port === undefined || found === undefined) return;
      server.sorry = { address: found, statement, port: ownPort(port, portWord), inherited: server.tunnel };
    },
  },
  sorry_server_inhibit: {
    parameters: 0,
    read: (statement, server, findings): void => {
      const sorry = sorryOf(statement, server, findings);
      if (sorry !== undefined) sorry.inhibit = { value: true, origin: originOf(statement) };
    },
  },
  sorry_server_lvs_method: {
    parameters: Number.POSITIVE_INFINITY,
    read: (statement, server, findings): void => {
      const sorry = sorryOf(statement, server, findings);
      if (sorry === undefined) return;
      sorry.tunnel = readForwardingMethod(statement, sorry.tunnel ?? sorry.inherited, findings);
    },
  },
};

function sorryOf(statement: Statement, server: ReadSorryServer, findings: Findings): SorryServer | undefined {
  if (server.sorry === undefined)
    findings.complain(
      placeOf(statement),
      `${keywordOf(statement)}: there is no sorry_server; allowed: only after one; ${IGNORED}`,
    );
  return server.sorry;
}

interface SorryParts {
  /** The service's. */
  readonly tunnel: Setting<PlainTunnel> | undefined;
  readonly servicePort: number;
  /** True if the real server of the same address is inhibited on failure; undefined if there is none. */
  readonly twinInhibits: boolean | undefined;
  /** The path of the service. */
  readonly path: IssuePath;
  readonly context: { readonly origins: Origins; readonly findings: Findings };
}

/** culvert's `sorryServer`, if there is one. */
export function plainSorryServer({ sorry }: ReadSorryServer, parts: SorryParts): { sorryServer?: object } {
  if (sorry === undefined) return {};
  const { tunnel, servicePort, context } = parts;
  const { origins, findings } = context;
  const { address, port } = sorry;
  const path = [...parts.path, 'sorryServer'];
  const origin = { place: address.place, keyword: 'sorry_server' };
  origins.set(path, origin);
  if (port !== undefined) tellOtherPort(port, servicePort, 'sorry_server', findings);
  const settings = {
    address: { value: address.text, origin },
    weight: { value: 1, origin },
    tunnel: ownTunnel(sorry.tunnel ?? sorry.inherited, tunnel),
    inhibit: inhibitionOf(sorry, parts),
  };
  return { sorryServer: plainSettings(settings, path, origins) };
}

/** A real server that is the sorry server, too, cannot be inhibited as one and not as the other. */
function inhibitionOf({ address, inhibit }: SorryServer, parts: SorryParts): SorryServer['inhibit'] {
  const { twinInhibits: value, context } = parts;
  if (value === undefined || value === (inhibit?.value ?? false)) return inhibit;
  context.findings.complain(
    address.place,
    `sorry_server: it is also a real server, whose inhibit_on_failure applies to it: ${value ? 'on' : 'off'}, as in keepalived`,
  );
  return { value, origin: { place: address.place, keyword: 'sorry_server' } };
}
