import { connect as dial, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type Connection, type ConnectionOptions, createConnection } from 'mysql2';
import { DatabaseAwayError, DeadlineError } from '../errors.ts';

/** Something that somebody waits for, with the moment (on the clock of `performance`) at which that has to end. */
export interface Awaited {
  since: number;
  deadline: number;
  /** Ends the waiting, and takes itself off the list. */
  fail(error: Error): void;
}

/** Milliseconds. */
const times = {
  /** Between two looks. */
  tick: 50,
  /** How long nothing has come while somebody waits, before the database is asked whether it is there. */
  silence: 500,
  /** How long it has to say a first word. */
  probe: 900,
  /** How long any question waits for its answer, and the pause between two while the database is away. */
  patience: 1_500,
  retry: 250,
};

/** The socket of a connection, which the driver's types keep to themselves. */
export const socketOf = (connection: Connection): Socket => (connection as unknown as { stream: Socket }).stream;

/**
 * Knows whether a database answers. Whatever comes on any of its connections is an answer. When nothing has come for a while
 * although somebody waits, it asks on a connection of its own; when nothing comes of that either, the database is away: what
 * waits is failed, all connections are given up, and nobody waits any more until a question has been answered.
 *
 * It also ends what has waited until its deadline.
 */
export class Watchdog {
  /** The statements and connections that the server has been asked for, the oldest first. */
  readonly asked = new Set<Awaited>();
  /** Those who wait for somebody else to be done, the first first. */
  readonly queue = new Set<Awaited>();
  /** Is told when the database goes away and when it is back. */
  onChange: ((isAway: boolean) => void) | undefined;
  readonly #options: ConnectionOptions;
  /** How many bytes had come on each connection at the last look. */
  readonly #received = new Map<Socket, number>();
  /** The connections that are being opened, by their configuration, which the driver makes for each. */
  readonly #opening = new WeakMap<object, Awaited>();
  #isAway = false;
  #isClosed = false;
  /** Whether something has come since then on a connection that is closed by now. */
  #hasHeardMore = false;
  /** How long nothing has come, in milliseconds that this process was there to see it. */
  #silence = 0;
  #question: Promise<void> | undefined;
  #trial: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #looked = 0;
  #idleTicks = 0;

  /** @param options how to reach the database, as the driver takes it */
  constructor(options: ConnectionOptions) {
    this.#options = { ...options, stream: ({ config }: { config: object }) => this.#open(config) };
  }

  get isAway(): boolean {
    return this.#isAway;
  }

  /** The driver's options for connections that are watched. */
  get options(): ConnectionOptions {
    return this.#options;
  }

  /** @throws {DatabaseAwayError} */
  refuseWhileAway(): void {
    if (this.#isAway) throw new DatabaseAwayError();
  }

  /** Watches over what is awaited, until it is taken off the list. */
  watch(list: Set<Awaited>, awaited: Awaited): void {
    list.add(awaited);
    if (this.#timer) return;
    this.#looked = performance.now();
    this.#idleTicks = 0;
    this.#timer = setInterval(() => this.#look(), times.tick).unref();
  }

  /**
   * Asks the database whether it lets this account in and answers, at the same time for all who want to know.
   * @throws the driver's error, or a {@link DatabaseAwayError}
   */
  ask(): Promise<void> {
    this.#question ??= this.#ping().finally(() => {
      this.#question = undefined;
    });
    return this.#question;
  }

  /**
   * Asks the database to run a statement, on a connection of its own and at the same time for all who want to know.
   * @throws the driver's error, or a {@link DatabaseAwayError}
   */
  try(statement: string): Promise<void> {
    this.#trial ??= this.#converse((connection, done) => connection.query(statement, done)).finally(() => {
      this.#trial = undefined;
    });
    return this.#trial;
  }

  /** The connection can be used: nobody waits for it any more. */
  opened({ config }: Connection): void {
    const opening = this.#opening.get(config);
    if (opening) this.asked.delete(opening);
  }

  /** Ends a connection at the server, best effort: the server does not notice that nobody waits for a statement any more. */
  kill(threadId: number): void {
    this.#converse((connection, done) => connection.query('KILL ?', [threadId], done)).catch(() => {});
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
  }

  /** Opens the socket of a connection, for which somebody waits. */
  #open(config: object): Socket {
    const { host, port } = this.#options;
    const socket = dial({ host: host as string, port: port as number, noDelay: true, keepAlive: true });
    this.#received.set(socket, 0);
    const opening: Awaited = {
      since: performance.now(),
      deadline: Number.POSITIVE_INFINITY,
      fail: (error) => socket.destroy(error),
    };
    this.#opening.set(config, opening);
    this.watch(this.asked, opening);
    socket.once('close', () => {
      this.asked.delete(opening);
      this.#hasHeardMore ||= socket.bytesRead !== this.#received.get(socket);
      this.#received.delete(socket);
    });
    return socket;
  }

  /** Says one thing on a connection of its own, and waits a while for the answer. */
  #converse(say: (connection: Connection, done: (error: Error | null) => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const connection = createConnection(this.#options);
      const timer = setTimeout(() => socketOf(connection).destroy(new DatabaseAwayError()), times.patience).unref();
      const done = (error: Error | null) => {
        clearTimeout(timer);
        if (error) {
          socketOf(connection).destroy();
          reject(error);
        } else {
          connection.end();
          resolve();
        }
      };
      // Stays: an error that nobody listens to would end the process.
      connection.on('error', done);
      say(connection, done);
    });
  }

  #ping(): Promise<void> {
    return this.#converse((connection, done) => connection.ping(done));
  }

  /** Whether something has come since the last look. */
  #hasHeard(): boolean {
    let heard = this.#hasHeardMore;
    this.#hasHeardMore = false;
    for (const [socket, before] of this.#received) {
      if (socket.bytesRead === before) continue;
      this.#received.set(socket, socket.bytesRead);
      heard = true;
    }
    return heard;
  }

  #look(): void {
    const now = performance.now();
    // A look that comes late has waited for this process, which says nothing of the database.
    this.#silence = this.#hasHeard() ? 0 : this.#silence + Math.min(now - this.#looked, 2 * times.tick);
    this.#looked = now;
    for (const list of [this.asked, this.queue]) {
      for (const awaited of list) if (awaited.deadline < now) awaited.fail(new DeadlineError());
    }
    const [oldest] = this.asked;
    if (!oldest) {
      this.#silence = 0;
      if (this.queue.size > 0) return;
      this.#idleTicks += 1;
      if (this.#idleTicks < 20) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    this.#idleTicks = 0;
    const silence = Math.min(this.#silence, now - oldest.since);
    if (this.#isAway || silence < times.silence) return;
    if (silence >= times.silence + times.probe) void this.#goAway();
    else if (!this.#question) this.ask().catch(() => {});
  }

  /** Gives everything up, and asks until there is an answer. */
  async #goAway(): Promise<void> {
    this.#isAway = true;
    this.onChange?.(true);
    for (const list of [this.queue, this.asked]) for (const awaited of list) awaited.fail(new DatabaseAwayError());
    for (const socket of this.#received.keys()) socket.destroy(new DatabaseAwayError());
    while (!this.#isClosed && !(await this.#isBack())) await delay(times.retry, undefined, { ref: false });
    this.#isAway = false;
    this.onChange?.(false);
  }

  #isBack(): Promise<boolean> {
    return this.#ping().then(
      () => true,
      () => false,
    );
  }
}
