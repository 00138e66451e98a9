import { remaining } from '@shop/service-kit/deadline.ts';
import type { Sequelize } from 'sequelize';
import { DeadlineError, QueueFullError } from './errors.ts';
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
}

/**
 * Puts a queue in front of a pool. Whoever comes while all connections are in use waits in the order of coming until its
 * deadline; whoever finds the queue full is refused at once, and so is everyone while the database is away.
 * @param sizes `connections` of the pool, and how many may wait (`queue`)
 */
export function queueFor(
  sequelize: Sequelize,
  watchdog: Watchdog,
  sizes: { connections: number; queue: number },
): PoolLoad {
  const manager = sequelize.connectionManager as unknown as ConnectionManager;
  const getConnection = manager.getConnection.bind(manager);
  const releaseConnection = manager.releaseConnection.bind(manager);
  const destroyConnection = manager.destroyConnection.bind(manager);
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
    if (running < sizes.connections) running += 1;
    else if (watchdog.queue.size >= sizes.queue) throw new QueueFullError();
    else await enter();
    try {
      return await getConnection(options);
    } catch (error) {
      leave();
      throw error;
    }
  };
  manager.releaseConnection = (connection) => {
    releaseConnection(connection);
    leave();
  };
  manager.destroyConnection = (connection) => {
    leave();
    return destroyConnection(connection);
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
