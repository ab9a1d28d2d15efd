import type { Position, ProviderRequest, Resource } from '../../src/kit/index.ts';

/**
 * The request of one page. Lists are newest first; `created` bounds are whole seconds, the lower one included and the
 * upper one not. https://docs.stripe.com/api/pagination
 */
export function page(resource: Resource, position: Position): ProviderRequest {
  const { parent } = position;
  const source = parent === undefined ? resource.list : resource.perParent;
  if (source === undefined) {
    throw new Error(`${resource.name} has no list ${parent === undefined ? 'of its own' : 'per parent'}`);
  }
  const ranged = parent === undefined && resource.list?.ranged === true;
  const from = position.from ?? (position.since === undefined ? undefined : Math.floor(position.since / 1000));
  return {
    path: fill(source.path, parent, encodeURIComponent),
    query: {
      ...Object.fromEntries(Object.entries(source.query ?? {}).map(([key, value]) => [key, fill(value, parent)])),
      ...(parent === undefined ? position.variant : undefined),
      limit: position.limit,
      ...(ranged ? { 'created[gte]': from, 'created[lt]': position.to } : {}),
      starting_after: position.cursor,
    },
  };
}

function fill(template: string, parent: string | undefined, encode = (value: string) => value): string {
  return parent === undefined ? template : template.replaceAll('{parent}', () => encode(parent));
}
