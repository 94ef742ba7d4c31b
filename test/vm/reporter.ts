import { relative } from 'node:path';
import type { Reporter, SerializedError, TestCase, TestModule, TestSuite } from 'vitest/node';
import { report } from './report.ts';

/** Sends each result to the host as soon as it is there, so that a guest that hangs later has still told it. */
export default class GuestReporter implements Reporter {
  onTestCaseResult(test: TestCase): void {
    const { state, errors } = test.result();
    report({
      kind: 'test',
      state: state === 'pending' ? 'failed' : state,
      file: relative(process.cwd(), test.module.moduleId),
      name: test.fullName,
      durationMs: Math.round(test.diagnostic()?.duration ?? 0),
      errors: (errors ?? []).map(text),
    });
  }

  /** A hook of the suite failed; its tests count as skipped. */
  onTestSuiteResult(suite: TestSuite): void {
    reportErrors(suite.module, suite.fullName, suite.errors());
  }

  onTestModuleEnd(module: TestModule): void {
    reportErrors(module, 'the file as a whole', module.errors());
  }

  onTestRunEnd(_: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    for (const error of unhandled) reportFailure('', 'unhandled', [error]);
    report({ kind: 'end' });
  }
}

function reportErrors(module: TestModule, name: string, errors: readonly SerializedError[]): void {
  if (errors.length > 0) reportFailure(relative(process.cwd(), module.moduleId), name, errors);
}

function reportFailure(file: string, name: string, errors: readonly SerializedError[]): void {
  report({ kind: 'test', state: 'failed', file, name, durationMs: 0, errors: errors.map(text) });
}

function text(error: SerializedError): string {
  const what = error.stack ?? error.message;
  return typeof error.diff === 'string' ? `${what}\n${error.diff}` : what;
}
