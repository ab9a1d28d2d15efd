import { z } from 'zod';
import type { EntityOperation } from '../../src/kit/index.ts';
import { metadata } from './metadata.ts';
import { resources } from './resources/index.ts';

/**
 * What a thin event names. Objects without an id of their own (a discount, a balance, settings) come with `type` and
 * `url` only. https://docs.stripe.com/api/v2/core/events/object
 */
export const relatedObject = z
  .looseObject({
    id: z.string().min(1).max(255).nullish().catch(undefined),
    type: z.string().nullish().catch(undefined),
    url: z.string().nullish().catch(undefined),
  })
  .nullish()
  .catch(undefined);

type Named = readonly EntityOperation[] | { readonly ignored: string };

/** `/v1/customers/{id}` and `/v1/customers/{parent}/tax_ids/{id}`, in segments. */
const TEMPLATES = Object.values(resources).flatMap(({ name, retrieve, perParent }) =>
  retrieve === undefined
    ? []
    : [retrieve.path, ...(perParent?.path.includes('{parent}') ? [`${perParent.path}/{id}`] : [])].map((path) => ({
        resource: name,
        segments: segmentsOf(path),
      })),
);

/**
 * The mirrored object that a url names, or the one that the named object is a part of: it is read again by its id. The
 * url itself is never asked for.
 */
export function namedByUrl(url: string): Named {
  if (!URL.canParse(url, metadata.baseUrl)) return { ignored: 'the url of its object cannot be read' };
  const parsed = new URL(url, metadata.baseUrl);
  if (parsed.origin !== metadata.baseUrl)
    return { ignored: `its object lies at ${parsed.origin}, which is not Stripe` };
  const path = segmentsOf(parsed.pathname);
  const found = TEMPLATES.flatMap(({ resource, segments }) => {
    const externalId = idIn(path, segments);
    return externalId === undefined ? [] : [{ resource, externalId, length: segments.length }];
  }).sort((a, b) => b.length - a.length)[0];
  if (found === undefined) return { ignored: `no mirrored object lies at ${parsed.pathname.slice(0, 200)}` };
  return [{ type: 'update', resource: found.resource, externalId: found.externalId }];
}

/** The id in a path that begins as the template does; what follows is a part of that object. */
function idIn(path: readonly string[], template: readonly string[]): string | undefined {
  if (path.length < template.length) return undefined;
  let id: string | undefined;
  for (const [n, segment] of template.entries()) {
    const given = path[n] ?? '';
    if (segment === '{id}') id = decoded(given);
    else if (segment !== '{parent}' && segment !== given) return undefined;
  }
  return id;
}

function decoded(segment: string): string | undefined {
  try {
    const id = decodeURIComponent(segment);
    return id.length > 0 && id.length <= 255 && !id.includes('/') ? id : undefined;
  } catch {
    return undefined;
  }
}

function segmentsOf(path: string): string[] {
  return path.split('/').filter((segment) => segment !== '');
}
