// The expectations of the lab.

/** Something that the lab has to show, and whether it did. */
export interface Expectation {
  readonly name: string;
  readonly met: boolean;
  readonly detail: string;
}

export class Expectations {
  readonly #list: Expectation[] = [];
  readonly #listener: (expectation: Expectation) => void;

  constructor(listener: (expectation: Expectation) => void) {
    this.#listener = listener;
  }

  expect(name: string, met: boolean, detail: string): void {
    const expectation = { name, met, detail };
    this.#list.push(expectation);
    this.#listener(expectation);
  }

  /** Expects a figure to be exactly this one. */
  figure(name: string, found: number | undefined, expected: number): void {
    this.expect(
      name,
      found === expected,
      found === expected ? `${found}` : `${found ?? 'nothing'}, not ${expected}`,
    );
  }

  get all(): readonly Expectation[] {
    return this.#list;
  }

  get met(): boolean {
    return this.#list.every((expectation) => expectation.met);
  }
}
