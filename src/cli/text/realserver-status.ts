// Shows what is set up on a real server, for people and as JSON.
import { formatTunnel } from '../../forwarding/tunnel/kind.ts';
import { formatIp } from '../../net/address/ip-address.ts';
import { vipsOf } from '../../realserver/options.ts';
import { directorText } from '../../realserver/plan/action.ts';
import type { NamedRecord } from '../../realserver/record/record.ts';
import type { SetupRecord } from '../../realserver/record/setup-record.ts';
import type { Style } from '../tables/style.ts';
import { formatTable } from '../tables/text-table.ts';

const COLUMNS = ['VIP', 'TUNNEL', 'MSS', 'INTERFACE', 'DECAPSULATION', 'INSTANCE'].map((header) => ({
  header,
}));

export function statusText(records: readonly NamedRecord[], style: Style): string {
  const rows = records.flatMap(({ instance, record }) =>
    record.serves.map(({ vip, tunnel, mss }) => [
      formatIp(vip),
      formatTunnel(tunnel),
      `${mss}`,
      record.interface,
      record.decapsulation,
      instance,
    ]),
  );
  const directors = records.map(
    ({ instance, record }) => `directors of ${instance}: ${record.directors.map(directorText).join(', ')}\n`,
  );
  return `${formatTable(COLUMNS, rows, style)}\n${directors.join('')}`;
}

export function statusJson({ instance, record }: NamedRecord): unknown {
  return {
    instance,
    interface: record.interface,
    decapsulation: record.decapsulation,
    serves: record.serves.map(({ vip, ...rest }) => ({ vip: formatIp(vip), ...rest })),
    directors: record.directors.map(formatIp),
  };
}

/** `192.0.2.10 (ipip), 2001:db8::10 (gre)` */
export function servesText({ serves }: SetupRecord): string {
  return vipsOf(serves)
    .map((vip) => {
      const tunnels = serves.filter((served) => served.vip === vip).map(({ tunnel }) => formatTunnel(tunnel));
      return `${formatIp(vip)} (${tunnels.join('; ')})`;
    })
    .join(', ');
}
