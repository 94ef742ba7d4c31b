// Orders the rows of a table by the keys of `--sort`.
type Compare<Item> = (a: Item, b: Item) => number;

/** The largest first. */
export function descending<Item>(value: (item: Item) => number): Compare<Item> {
  return (a, b) => value(b) - value(a);
}

/** Sorts by one of these orders, or not at all without a key. Equal items keep their order. */
export function sorted<Item>(
  items: readonly Item[],
  orders: Readonly<Record<string, Compare<Item>>>,
  key: string | undefined,
): readonly Item[] {
  const order = key === undefined ? undefined : orders[key];
  return order === undefined ? items : items.toSorted(order);
}
