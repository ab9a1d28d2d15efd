import type { NormalizedEntity } from './connector.ts';
import { instantMs } from './instant.ts';
import { parseJson } from './json.ts';
import type { InstantAt, Path, Resource } from './resource.ts';

/** The value at `path`, or undefined. */
export function valueAt(value: unknown, path: Path): unknown {
  let current = value;
  for (const step of path) {
    if (current === null || typeof current !== 'object') return undefined;
    current = (current as Record<string, unknown>)[step];
  }
  return current;
}

/** The text at `path` of a text that should be JSON, or undefined. */
export function textAt(json: string, path: Path): string | undefined {
  try {
    const found = valueAt(parseJson(json), path);
    return typeof found === 'string' && found !== '' ? found : undefined;
  } catch {
    return undefined;
  }
}

/** Milliseconds, or null when there is no instant that a timestamp can hold. */
export function instantAt(value: unknown, at: InstantAt | undefined): number | null {
  return at === undefined ? null : instantMs(valueAt(value, at.path), at.unit);
}

/** Brings one complete object into canonical form (S4-20 … S4-23). Throws when it has no id. */
export function normalize(
  resource: Resource,
  object: unknown,
  apiVersion: string,
  observedAtMs: number,
): NormalizedEntity {
  const id = valueAt(object, resource.id);
  if ((typeof id !== 'string' && typeof id !== 'number' && typeof id !== 'bigint') || id === '') {
    throw new Error(`a ${resource.name} has no id at ${resource.id.join('.')}`);
  }
  const archivedAt = isArchived(resource, object)
    ? (instantAt(object, resource.archived?.at) ?? instantAt(object, resource.version) ?? observedAtMs)
    : null;
  return {
    external_id: String(id),
    collection_key: resource.collection,
    raw_payload: object,
    api_version: apiVersion,
    archived_at: isoOrNull(archivedAt),
    source_created_at: isoOrNull(instantAt(object, resource.created)),
  };
}

function isArchived(resource: Resource, object: unknown): boolean {
  if (resource.archived === undefined) return false;
  const value = valueAt(object, resource.archived.path);
  return 'equals' in resource.archived
    ? value === resource.archived.equals
    : value !== undefined && value !== null && value !== false;
}

function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
