/** An answer that is on its way, and the one after it for those who have asked meanwhile. */
interface Flight<T> {
  answer: Promise<T>;
  next?: Promise<T>;
}

/**
 * Lets those who ask the same at the same time share an answer: however many ask, one at a time is worked out. Whoever asks
 * while one is on its way gets the next, which is begun when that one has come: no answer is older than its question, so
 * that who has written something and then asks sees it. Nothing is kept.
 */
export function sharing<T>(): (question: string, work: () => Promise<T>) => Promise<T> {
  const underway = new Map<string, Flight<T>>();
  const begin = (question: string, work: () => Promise<T>): Promise<T> => {
    const flight: Flight<T> = { answer: work() };
    underway.set(question, flight);
    const end = () => underway.delete(question);
    flight.answer.then(end, end);
    return flight.answer;
  };
  return (question, work) => {
    const flight = underway.get(question);
    if (!flight) return begin(question, work);
    const follow = () => begin(question, work);
    flight.next ??= flight.answer.then(follow, follow);
    return flight.next;
  };
}
