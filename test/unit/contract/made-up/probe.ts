/** Runs in a copy of the sources that has an option more, and prints where that option has arrived. The first argument is the copy. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [, , copy = ''] = process.argv;
const load = (file: string): Promise<Record<string, (...args: never[]) => unknown>> =>
  import(pathToFileURL(join(copy, 'src', file)).href);

const { parseYaml } = await load('config/load/parse-yaml.ts');
const { documentOf } = await load('config/load/loaded-config.ts');
const { startedWorld } = await load('director/step/step.ts');
const { diffConfigs } = await load('director/changes/config-diff.ts');
const { optionTable, configJsonSchema } = await load('contract/reference.ts');
const { buildApi } = await load('api/server/server.ts');
const { parseKeepalivedConfig } = await load('config/keepalived/parse-keepalived-config.ts');
const { printYaml } = await load('config/keepalived/print-yaml.ts');
const { ForwardingImage } = await load('forwarding/image/forwarding-image.ts');
const { allocateImageMemory } = await load('forwarding/image/tables/memory.ts');
const { serviceShape } = (await load('contract/config/service-contract.ts')) as never;
const { serviceSchema } = (await load('contract/api/service-status.ts')) as never as {
  serviceSchema: { shape: object };
};

const call = (fn: unknown, ...args: unknown[]): never =>
  (fn as (...all: unknown[]) => unknown)(...args) as never;
const yaml = (own: string, defaults = ''): string =>
  `director: {plane: simulated}\n${defaults}services:\n  - {vip: 192.0.2.10, port: 80${own}, reals: []}\n`;
const read = (own: string, defaults?: string): { config: { services: { madeUp: boolean }[] } } =>
  call(parseYaml, yaml(own, defaults), 'x.yaml');
const errorOf = (own: string): string => {
  try {
    read(own);
    return '';
  } catch (error) {
    return (error as Error).message;
  }
};
const tableOf = (own: string): object => {
  const world: { table: object } = call(startedWorld, read(own), new Uint8Array(16));
  return world.table;
};
const kindOf = (own: string): number => {
  const image = new (
    ForwardingImage as never as new (
      memory: unknown,
    ) => {
      apply(table: object, nowTick: number): void;
      serviceEntries(): Iterable<{ kind: number }>;
    }
  )(call(allocateImageMemory, { slots: 8192, flows: 64 }));
  image.apply(tableOf(own), 0);
  return [...image.serviceEntries()].map(({ kind }) => kind)[0] ?? -1;
};
const conf =
  'virtual_server 192.0.2.10 80 {\n lvs_sched rr\n lvs_method TUN\n protocol TCP\n real_server 10.0.0.1 80 {\n }\n}\n';
const translated: { plain: { services: object[] } } = call(parseKeepalivedConfig, conf, 'k.conf', {
  configId: '',
  director: { plane: 'simulated' },
});
interface Api {
  ready(): Promise<void>;
  swagger(): object;
  close(): Promise<void>;
}
const building: Promise<Api> = call(buildApi, {
  control: {},
  version: '0',
  onDown: () => undefined,
});
const api = await building;
await api.ready();

const outcome = {
  absent: read('').config.services[0]?.madeUp,
  written: read(', madeUp: true').config.services[0]?.madeUp,
  inherited: read('', 'defaults: {madeUp: true}\n').config.services[0]?.madeUp,
  refused: errorOf(', madeUp: maybe'),
  document: call(documentOf, read(', madeUp: true')),
  table: tableOf(', madeUp: true'),
  kinds: [kindOf(''), kindOf(', madeUp: true')],
  body: Object.keys(serviceSchema.shape),
  openApi: /"madeUp":\{[^}]*an option that is made up/.test(JSON.stringify(api.swagger())),
  reference: call(optionTable, serviceShape),
  jsonSchema: JSON.stringify(call(configJsonSchema)),
  diff: call(diffConfigs, read('').config, read(', madeUp: true').config),
  printed: call(
    printYaml,
    {
      ...translated,
      plain: {
        ...translated.plain,
        services: translated.plain.services.map((s) => ({ ...s, madeUp: true })),
      },
    },
    'k.conf',
  ),
};
await api.close();
process.stdout.write(
  JSON.stringify(outcome, (_name, value: unknown) => (typeof value === 'bigint' ? `${value}` : value)),
);
