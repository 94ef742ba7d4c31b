export type WrittenCommand = 'none' | WrittenCommandOptions;

export interface WrittenCommandOptions {
  command?: string[] | undefined;
  shell?: string | undefined;
  timeout?: number | undefined;
  user?: string | undefined;
}
