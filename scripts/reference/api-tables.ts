// The tables of docs/reference/api.md: routes from the OpenAPI document, metrics as they are written.
import { metricsText } from '../../src/api/server/routes/metrics.ts';
import { buildApi } from '../../src/api/server/server.ts';
import type { WireStatus } from '../../src/contract/api/director-status.ts';
import { code, type Tables, table } from './page.ts';

export const apiTables: Tables = { routes, metrics };

interface Operation {
  readonly summary?: string;
  readonly description?: string;
  readonly parameters?: readonly { readonly in: string; readonly name: string }[];
  readonly requestBody?: {
    readonly content: Readonly<
      Record<
        string,
        { readonly schema: { readonly properties?: object; readonly required?: readonly string[] } }
      >
    >;
  };
}

async function routes(): Promise<string> {
  const api = await buildApi({ control: {} as never, version: '0', onDown: () => undefined });
  await api.ready();
  const { paths } = api.swagger() as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  };
  await api.close();
  const rows = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => [
      code(`${method.toUpperCase()} ${path}${queryOf(operation)}`) + bodyOf(operation),
      [operation.summary, operation.description].filter((text) => text !== undefined).join('. '),
    ]),
  );
  return table(['Request', 'Does'], rows);
}

function queryOf({ parameters = [] }: Operation): string {
  const names = parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => `${name}=`);
  return names.length === 0 ? '' : `?${names.join('&')}`;
}

function bodyOf({ requestBody }: Operation): string {
  const { properties = {}, required = [] } = requestBody?.content['application/json']?.schema ?? {};
  const names = Object.keys(properties).map((name) => (required.includes(name) ? name : `${name}?`));
  return names.length === 0 ? '' : ` ${code(`{${names.join(', ')}}`)}`;
}

const SERVICE = { protocol: 'tcp', vip: '192.0.2.10', port: 80 } as const;
const COUNTED = { connections: 0, packets: 0, bytes: 0 };

/** A status in which every metric has a sample. */
const STATUS = {
  instance: 'eth0',
  interface: 'eth0',
  plane: 'xdp',
  startedAt: new Date(0).toISOString(),
  shortages: [{ code: 'EMFILE', checks: 1 }],
  sync: [{ role: 'master', counters: { sent: 1 } }],
  services: [
    {
      service: SERVICE,
      quorum: { state: 'up' },
      sorryServer: { address: '10.0.9.9' },
      reals: [{ service: SERVICE, address: '10.0.3.2', health: { checks: [{ type: 'tcp', lastMs: 1 }] } }],
    },
  ],
  stats: {
    services: [{ service: SERVICE, ...COUNTED, reals: [{ address: '10.0.3.2', ...COUNTED }] }],
    reasons: {},
  },
} as unknown as WireStatus;

function metrics(): string {
  const found = metricsText(STATUS).matchAll(/^# HELP (\S+) (.*)\n# TYPE \S+ (\S+)\n(.*)/gm);
  const rows = Array.from(found, ([, name = '', help = '', type = '', sample = '']) => {
    const labels = Array.from(sample.matchAll(/[{,](\w+)="/g), ([, label = '']) => code(label));
    return [code(name), type, labels.join(', '), help];
  });
  return table(['Metric', 'Type', 'Labels', 'Meaning'], rows);
}
