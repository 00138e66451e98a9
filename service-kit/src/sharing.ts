/** An answer that is on its way, and the one after it for those who have asked meanwhile. */
interface Flight<T> {
  answer: Promise<T>;
  next?: { answer: Promise<T>; askers: Asker[] };
}

/** Who asks; `closed` once it waits no more. */
interface Asker {
  readonly closed: boolean;
}

/** Works an answer out; `isWanted` says whether any of those who have asked for it still waits. */
type Work<T> = (isWanted: () => boolean) => Promise<T>;

/**
 * Lets those who ask the same at the same time share an answer: however many ask, one at a time is worked out. Whoever asks
 * while one is on its way gets the next, which is begun when that one has come: no answer is older than its question, so
 * that who has written something and then asks sees it. Nothing is kept.
 */
export function sharing<T>(): (question: string, asker: Asker, work: Work<T>) => Promise<T> {
  const underway = new Map<string, Flight<T>>();
  const begin = (question: string, askers: Asker[], work: Work<T>): Promise<T> => {
    const flight: Flight<T> = { answer: work(() => askers.some(({ closed }) => !closed)) };
    underway.set(question, flight);
    const end = () => underway.delete(question);
    flight.answer.then(end, end);
    return flight.answer;
  };
  return (question, asker, work) => {
    const flight = underway.get(question);
    if (!flight) return begin(question, [asker], work);
    if (flight.next) flight.next.askers.push(asker);
    else {
      const askers = [asker];
      const follow = () => begin(question, askers, work);
      flight.next = { answer: flight.answer.then(follow, follow), askers };
    }
    return flight.next.answer;
  };
}
