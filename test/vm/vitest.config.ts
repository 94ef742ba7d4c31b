import { defineConfig, type ViteUserConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const LONGEST = /\/lab[^/]*\.test\.ts$/;

/** Whatever a budget cuts off are the labs, which take minutes for one test. */
class LabLast extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const others = files.filter(({ moduleId }) => !LONGEST.test(moduleId));
    return [...others, ...files.filter((file) => !others.includes(file))];
  }
}

/** What runs inside a guest. An emulated CPU is some twenty times slower than a real one. */
const config: ViteUserConfig = defineConfig({
  test: {
    include: [
      'test/vm/guest/**/*.test.ts',
      'test/system/{bpf,fast-path-frames,fast-path-table,linux-*}.test.ts',
      'test/system/realserver-{kernel,program,tunnels}.test.ts',
      'test/system/xdp-plane-vlan.test.ts',
    ],
    reporters: ['test/vm/reporter.ts'],
    // Starting Node takes longest of all: one process for all files.
    pool: 'forks',
    isolate: false,
    // Names of cases are told whole.
    chaiConfig: { truncateThreshold: 0 },
    sequence: { sequencer: LabLast },
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});

export default config;
