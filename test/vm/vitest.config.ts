import { release } from 'node:os';
import { defineConfig, type ViteUserConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Of what takes minutes each kernel runs another part early: a budget cuts off what the other one has run. */
const [early, late] = release().startsWith('6.1.') ? ['lab-tunnels', 'ipvsadm'] : ['ipvsadm', 'lab-tunnels'];

/** What the kernel's IPVS does with errors from the path changes once other tests have loaded its tunnel modules. */
const ORDER: readonly RegExp[] = [
  /\/(golden|ipvs)\.test\.ts$/,
  /\/(programs|bpf)\.test\.ts$/,
  new RegExp(`/${early}\\.test\\.ts$`),
  /\/(?!lab|fast-path-table|ipvsadm)[^/]*\.test\.ts$/,
  new RegExp(`/${late}\\.test\\.ts$`),
  /\/fast-path-table\.test\.ts$/,
  /\/lab\.test\.ts$/,
];

class InOrder extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files.toSorted((a, b) => rank(a) - rank(b));
  }
}

function rank({ moduleId }: TestSpecification): number {
  return ORDER.findIndex((pattern) => pattern.test(moduleId));
}

/** What runs inside a guest. An emulated CPU is some twenty times slower than a real one. */
const config: ViteUserConfig = defineConfig({
  test: {
    include: [
      'test/vm/guest/**/*.test.ts',
      'test/system/{bpf,fast-path-frames,fast-path-table,linux-*}.test.ts',
      'test/system/realserver-{kernel,program,tunnels}.test.ts',
      'test/system/forwarding/xdp-plane-vlan.test.ts',
    ],
    setupFiles: ['test/patience.ts'],
    reporters: ['test/vm/reporter.ts'],
    // Starting Node takes longest of all: one process for all files.
    pool: 'forks',
    isolate: false,
    // Names of cases are told whole.
    chaiConfig: { truncateThreshold: 0 },
    sequence: { sequencer: InOrder },
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});

export default config;
