const UNPRINTABLE = /(?![\t\n]|\r\n)\p{Cc}/gu;

/**
 * Text of other programs as it may go to logs, terminals and environments: they could clear the screen, and a command whose
 * environment has a zero byte is not run at all. Tabs and ends of lines are left.
 */
export function printableText(text: string): string {
  return text.replaceAll(UNPRINTABLE, '\ufffd');
}
