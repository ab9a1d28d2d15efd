import { lastRequestAt } from './shape/company.ts';
import type { World } from './state/world.ts';

/** Companies with users, most recently active first; sorted anew only after a company has changed. */
export interface CompanyOrder {
  listed(): readonly number[];
}

export function createCompanyOrder(world: World): CompanyOrder {
  let known: readonly number[] = [];
  let revision = -1;
  return {
    listed() {
      const { companies, userCounts } = world;
      if (companies.revision === revision) return known;
      revision = companies.revision;
      const listed: { readonly index: number; readonly at: number }[] = [];
      for (let index = 0; index < companies.length; index += 1) {
        if (companies.isLive(index) && (userCounts[index] ?? 0) > 0)
          listed.push({ index, at: lastRequestAt(world, index) });
      }
      known = listed.sort((a, b) => b.at - a.at || b.index - a.index).map(({ index }) => index);
      return known;
    },
  };
}
