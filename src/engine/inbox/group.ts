import type { EntityOperation, NormalizedEvent } from '../../kit/connector.ts';
import { PRECISION_MS } from '../../kit/instant.ts';
import type { App } from '../app.ts';
import type { OperationGroup } from '../store.ts';

/** One event with where its body lies: an inbox row, or a place in a page of the provider's log. */
export interface PlacedEvent {
  readonly event: NormalizedEvent;
  readonly inbox?: number;
  readonly path?: readonly string[];
}

interface Latest {
  readonly operation: EntityOperation;
  readonly placed: PlacedEvent;
  readonly ambiguous: boolean;
}

/** When an event can have happened: providers stamp whole seconds, some of them minutes. */
interface Moment {
  readonly version: number;
  readonly version_until: number;
}

/**
 * Folds a batch of events into one operation per entity: the newest wins; two that differ within one second cannot
 * be ordered, so the object is read again (where it can be; else the one that came later counts).
 */
export function groupEvents(app: App, placed: readonly PlacedEvent[]): OperationGroup[] {
  const latest = new Map<string, Map<string, Latest>>();
  for (const item of placed) {
    for (const operation of item.event.operations) {
      if (!app.config.resources.includes(operation.resource)) continue;
      const entities = latest.get(operation.resource) ?? new Map<string, Latest>();
      latest.set(operation.resource, entities);
      const known = entities.get(operation.externalId);
      const knownMoment = known === undefined ? undefined : momentOf(known.placed.event);
      const moment = momentOf(item.event);
      if (knownMoment === undefined || moment.version > knownMoment.version_until)
        entities.set(operation.externalId, { operation, placed: item, ambiguous: false });
      else if (moment.version_until >= knownMoment.version && known?.placed.event.id !== item.event.id) {
        entities.set(operation.externalId, { operation, placed: item, ambiguous: true });
      }
    }
  }
  return [...latest].map(([name, entities]) => groupOf(app, name, entities));
}

function groupOf(app: App, name: string, entities: ReadonlyMap<string, Latest>): OperationGroup {
  const retrievable = app.config.connector.resources[name]?.retrieve !== undefined;
  const group = {
    spec: app.spec(name),
    states: [] as OperationGroup['states'][number][],
    gone: [] as OperationGroup['gone'][number][],
    again: [] as OperationGroup['again'][number][],
  };
  for (const [id, { operation, placed, ambiguous }] of entities) {
    const { version, version_until } = momentOf(placed.event);
    if (ambiguous && retrievable) group.again.push({ id, version_until });
    else if (operation.type === 'delete') group.gone.push({ id, version, version_until });
    else if (operation.object === undefined) {
      if (retrievable) group.again.push({ id, version_until });
    } else {
      group.states.push({
        ...(placed.inbox === undefined ? {} : { inbox: placed.inbox }),
        path: [...(placed.path ?? []), ...operation.object],
        version,
        version_until,
        ...(placed.event.apiVersion === undefined ? {} : { api_version: placed.event.apiVersion }),
      });
    }
  }
  return group;
}

/** At least a second: a finer stamp claims an order that the other states do not have. */
function momentOf({ occurredAt, precision = '1s' }: NormalizedEvent): Moment {
  const width = Math.max(1000, PRECISION_MS[precision]);
  const version = Math.floor(occurredAt / width) * width;
  return { version, version_until: version + width - 1 };
}
