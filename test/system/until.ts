/** Asks every 2 ms for what is to come; for what only polling can tell. @throws Error after a minute. */
export async function until<T>(read: () => T | undefined): Promise<T> {
  for (const end = Date.now() + 60_000; Date.now() < end; ) {
    const value = read();
    if (value !== undefined) return value;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  throw new Error('nothing came within a minute');
}
