// A source in the hands of a test: what it yields, when it ends, and what it was asked.

export interface Channel<Item> extends AsyncIterable<Item> {
  /** Answers the oldest question, or the next one. */
  readonly push: (...items: Item[]) => void;
  readonly end: () => void;
  readonly fail: (error: unknown) => void;
  /** How often an item was asked for, and how many of these questions are open. */
  readonly asked: () => number;
  readonly open: () => number;
  /** How often it was told to return. */
  readonly returned: () => number;
}

type Answer<Item> = () => IteratorResult<Item>;

/** Makes a source; `onReturn` is what its iterator's `return` does, by default nothing, at once. */
export function channel<Item>(onReturn: () => unknown = () => {}): Channel<Item> {
  const answers: Answer<Item>[] = [];
  const questions: {
    resolve(result: IteratorResult<Item>): void;
    reject(error: unknown): void;
  }[] = [];
  let asked = 0;
  let returned = 0;
  const answer = (give: Answer<Item>) => {
    answers.push(give);
    serve();
  };
  const serve = () => {
    while (questions.length > 0 && answers.length > 0) {
      const question = questions.shift();
      const give = answers.shift();
      try {
        if (give !== undefined) question?.resolve(give());
      } catch (error) {
        question?.reject(error);
      }
    }
  };
  return {
    push: (...items) => {
      for (const value of items) answer(() => ({ value, done: false }));
    },
    end: () => answer(() => ({ value: undefined, done: true })),
    fail: (error) =>
      answer(() => {
        throw error;
      }),
    asked: () => asked,
    open: () => questions.length,
    returned: () => returned,
    [Symbol.asyncIterator]: () => ({
      next: () =>
        new Promise((resolve, reject) => {
          asked += 1;
          questions.push({ resolve, reject });
          serve();
        }),
      async return() {
        returned += 1;
        await onReturn();
        return { value: undefined, done: true };
      },
    }),
  };
}
