import { defineConnector, type Resource } from '../../src/kit/index.ts';
import { acme } from './acme-connector.ts';

let wrongs = 0;

/** Acme's connector with one resource described otherwise, under a name of its own. */
export function misdescribe(resource: string, change: (right: Resource) => Partial<Resource>): string {
  const right = acme.resources[resource];
  if (right === undefined) throw new Error(`Acme has no ${resource}`);
  wrongs += 1;
  const name = `acme_wrong_${wrongs}`;
  defineConnector({
    ...acme,
    metadata: { ...acme.metadata, name },
    resources: { ...acme.resources, [resource]: { ...right, ...change(right) } },
    page(described, position) {
      const request = acme.page(described, position);
      return { ...request, query: { ...request.query, ...position.variant } };
    },
  });
  return name;
}

/** The same where only the list is described otherwise. */
export function mislist(resource: string, change: Partial<NonNullable<Resource['list']>>): string {
  return misdescribe(resource, ({ list }) => {
    if (list === undefined) throw new Error(`${resource} has no list`);
    return { list: { ...list, ...change } };
  });
}
