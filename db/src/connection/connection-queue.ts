import { remaining } from '@shop/service-kit/deadline.ts';
import type { Sequelize } from 'sequelize';
import { DeadlineError, QueueFullError } from '../errors.ts';
import type { Awaited, Watchdog } from './watchdog.ts';

/** How many use a pool's connections, and how many wait for one. */
export interface PoolLoad {
  readonly running: number;
  readonly waiting: number;
}

/** What Sequelize does to get a connection and to give it back: once back for each that was got. */
interface ConnectionManager {
  getConnection(options?: object): Promise<unknown>;
  releaseConnection(connection: unknown): void;
  destroyConnection(connection: unknown): Promise<void>;
  /** Whether a connection that nobody has used for a while can be used. */
  validate(connection: unknown): boolean;
}

/**
 * Puts a queue in front of a pool. Whoever comes while all connections are in use waits in the order of coming until its
 * deadline; whoever finds the queue full is refused at once, and so is everyone while the database is away. Nobody gets a
 * connection that the server may have closed: this process may have stood still while its pool should have closed it.
 * @param bounds `connections` of the pool, how many may wait (`queue`), and for how many milliseconds the server keeps a
 * connection that nobody uses (`kept`)
 */
export function queueFor(
  sequelize: Sequelize,
  watchdog: Watchdog,
  bounds: { connections: number; queue: number; kept: number },
): PoolLoad {
  const manager = sequelize.connectionManager as unknown as ConnectionManager;
  const getConnection = manager.getConnection.bind(manager);
  const releaseConnection = manager.releaseConnection.bind(manager);
  const destroyConnection = manager.destroyConnection.bind(manager);
  const validate = manager.validate.bind(manager);
  /** When each connection was given back. */
  const released = new WeakMap<object, number>();
  /** Those who wait, with what lets them in. */
  const entrances = new WeakMap<Awaited, () => void>();
  let running = 0;

  const enter = () =>
    new Promise<void>((resolve, reject) => {
      const since = performance.now();
      const waiter: Awaited = {
        since,
        deadline: since + remaining(),
        fail: (error) => {
          watchdog.queue.delete(waiter);
          reject(error);
        },
      };
      entrances.set(waiter, resolve);
      watchdog.watch(watchdog.queue, waiter);
    });
  const leave = () => {
    const [next] = watchdog.queue;
    if (!next) {
      running -= 1;
      return;
    }
    watchdog.queue.delete(next);
    entrances.get(next)?.();
  };

  manager.getConnection = async (options) => {
    watchdog.refuseWhileAway();
    if (remaining() <= 0) throw new DeadlineError();
    if (running < bounds.connections) running += 1;
    else if (watchdog.queue.size >= bounds.queue) throw new QueueFullError();
    else await enter();
    try {
      // Who waited for it may have gone meanwhile.
      if (remaining() <= 0) throw new DeadlineError();
      return await getConnection(options);
    } catch (error) {
      leave();
      throw error;
    }
  };
  manager.releaseConnection = (connection) => {
    released.set(connection as object, performance.now());
    releaseConnection(connection);
    leave();
  };
  manager.destroyConnection = (connection) => {
    leave();
    return destroyConnection(connection);
  };
  manager.validate = (connection) => {
    const idle = performance.now() - (released.get(connection as object) ?? Number.POSITIVE_INFINITY);
    return idle < 0.75 * bounds.kept && validate(connection);
  };
  return {
    get running() {
      return running;
    },
    get waiting() {
      return watchdog.queue.size;
    },
  };
}
