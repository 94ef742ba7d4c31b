import type { Reporter, TestModule } from 'vitest/node';

/** Says at the end which tests were skipped, by name: the names of those that depend on the machine say what they need. */
export default class SkippedReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = new Map<string, number>();
    for (const module of modules) {
      for (const test of module.children.allTests('skipped')) {
        const { parent } = test;
        const suite = parent.type === 'suite' && parent.options.mode === 'skip' ? parent.fullName : undefined;
        const name = suite ?? test.fullName;
        counts.set(name, (counts.get(name) ?? 0) + 1);
      }
    }
    if (counts.size === 0) return;
    console.log('Skipped:');
    for (const [name, count] of counts) console.log(`${`${count}`.padStart(5)}  ${name}`);
    console.log('');
  }
}
