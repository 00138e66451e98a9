import type { PoolState } from '@shop/service-kit/metrics.ts';
import type { Database } from './connection.ts';

/** Sequelize's pool, as far as it is counted; its type is not among those that Sequelize publishes. */
interface CountedPool {
  using: number;
  available: number;
  waiting: number;
  maxSize: number;
}

/** The pool of a database as it is now. */
export function poolState({ sequelize, guard, statements }: Database): PoolState {
  const { pool } = sequelize.connectionManager as unknown as { pool: CountedPool };
  return {
    inUse: pool.using,
    idle: pool.available,
    waiting: guard?.load.waiting ?? pool.waiting,
    max: pool.maxSize,
    statements: statements.counts,
  };
}
