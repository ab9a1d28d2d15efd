import type { InstantAt, Path, Resource } from '../../src/kit/index.ts';

type Described = Omit<Resource, 'collection' | 'id'>;

/** Fills in what every Intercom object has: `id`, and a collection named after it. */
export function intercomResource(resource: Described): Resource {
  return { collection: `intercom_${resource.name}`, id: ['id'], ...resource };
}

/** Intercom stamps whole seconds. */
export function seconds(field: string): InstantAt {
  return { path: [field], unit: 's' };
}

/** Where lists and searches say how many there are in all. */
export const TOTAL: { readonly path: Path } = { path: ['total_count'] };

/** Where lists by cursor and searches put the next cursor. */
export const NEXT_CURSOR: Path = ['pages', 'next', 'starting_after'];
