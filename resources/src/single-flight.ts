/**
 * Answers a question that is being answered already with the same answer: of many who ask at once, one costs something.
 * Nothing is kept: who asks after the answer has come asks anew.
 */
export function singleFlight<T>(): (question: string, answer: () => Promise<T>) => Promise<T> {
  const underway = new Map<string, Promise<T>>();
  return (question, answer) => {
    const known = underway.get(question);
    if (known) return known;
    const flight = answer().finally(() => underway.delete(question));
    underway.set(question, flight);
    return flight;
  };
}
