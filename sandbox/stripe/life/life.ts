import type { Random } from '../../http/random.ts';
import type { Changes } from '../changes.ts';
import type { TableName } from '../population.ts';
import type { StripeObject } from '../resource.ts';

/** What happenings have in common: the means to change things, and chance. */
export interface Life {
  readonly c: Changes;
  readonly random: Random;
  /** Number of the happening, for texts that differ. */
  step(): number;
  /** Any living object that fits; `undefined` if none was met. */
  any(table: TableName, fits?: (object: StripeObject) => boolean): StripeObject | undefined;
  /** Does something to any living object that fits. */
  on(table: TableName, act: (object: StripeObject) => void, fits?: (object: StripeObject) => boolean): void;
}

/** How often, against the others, and what. */
export type Happening = readonly [weight: number, happen: () => void];

export function createLife(c: Changes, random: Random, step: () => number): Life {
  const { tables } = c.account;
  const life: Life = {
    c,
    random,
    step,
    any(table, fits) {
      for (let attempt = 0; attempt < 30; attempt++) {
        const object = tables[table].storedAt(random.below(tables[table].ranks));
        if (object && (!fits || fits(object))) return object;
      }
      return undefined;
    },
    on(table, act, fits) {
      const object = life.any(table, fits);
      if (object) act(object);
    },
  };
  return life;
}

export const noted = (object: StripeObject, step: number) => ({
  metadata: { ...(object['metadata'] as object), changed: String(step) },
});
