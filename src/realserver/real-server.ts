export type { Finding } from './findings.ts';
export type { RealServerOptions, TeardownOptions, VerifyOptions } from './options.ts';
export type { DecapsulationCounts } from './program.ts';
export { type SetupSummary, setupRealServer } from './setup.ts';
export { type TeardownSummary, teardownRealServer } from './teardown.ts';
export { type Verification, verifyRealServer } from './verify.ts';
