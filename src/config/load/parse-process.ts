// The process that parses one large configuration, and ends.
import { CulvertError } from '../../errors.ts';
import { type FormatOptions, type ParsedText, parseText, routesFor } from './parse-text.ts';
import { readDocument } from './read-document.ts';

/** The process of `run-parse-process.ts`: it parses one configuration and ends. */
export type ParseTask = TextTask | DocumentTask;

export interface DocumentTask {
  /** The document, in JSON. */
  readonly document: string;
}

export interface TextTask {
  readonly text: string;
  readonly fileName: string;
  readonly options: FormatOptions & { readonly hostName: string };
}

export type ParseOutcome = ParsedText | { readonly message: string; readonly where: string | undefined };

process.once('message', (task: ParseTask) => void run(task).then((outcome) => process.send?.(outcome)));

async function run(task: ParseTask): Promise<ParseOutcome> {
  try {
    return await parse(task);
  } catch (error) {
    if (!(error instanceof CulvertError)) throw error;
    return { message: error.message, where: error.where };
  }
}

async function parse(task: ParseTask): Promise<ParsedText> {
  if ('document' in task) return { loaded: readDocument(JSON.parse(task.document)), warnings: [] };
  const { text, fileName, options } = task;
  return parseText(text, fileName, options, await routesFor(text, fileName, options));
}
