// The configuration of a command that culvert runs.

/** A program with its arguments, run without a shell, or a line for `/bin/sh -c`. */
export type RunConfig = { readonly command: readonly string[] } | { readonly shell: string };

/** A command that tells somebody of a change. */
export interface CommandConfig {
  readonly run: RunConfig;
  /** The time after which the whole process group is killed. */
  readonly timeoutMs: number;
  /** `NAME` or `NAME:GROUP`, either of them may be a number; undefined: the director's own. */
  readonly user: string | undefined;
}
