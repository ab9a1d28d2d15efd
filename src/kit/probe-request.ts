import type { Connector } from './connector.ts';
import type { ProviderRequest, Resource } from './resource.ts';

/**
 * The request that shows whether a list may be read, and that has no effect and takes nothing. Undefined where the
 * description names none: nothing is asked then.
 */
export function probeRequest(connector: Connector, resource: Resource): ProviderRequest | undefined {
  const { list } = resource;
  if (list === undefined) return undefined;
  if (list.probe !== undefined) return list.probe;
  if (list.next.style === 'scroll') return undefined;
  return connector.page(resource, { limit: 1, variant: list.variants?.[0] });
}
