import type { AppAccount, Connector } from '../../src/kit/connector.ts';
import type { Position, ProviderRequest, Resource } from '../../src/kit/resource.ts';
import { toSqlSpec } from '../../src/kit/resource.ts';

const MIDNIGHT_SECONDS = Date.UTC(2026, 2, 1) / 1000;

/** Where a list can be asked for, by name. */
const POSITIONS: Readonly<Record<string, Position>> = {
  first: { limit: 100 },
  next: { limit: 7, cursor: 'c1' },
  range: { limit: 100, from: MIDNIGHT_SECONDS, to: MIDNIGHT_SECONDS + 60, cursor: 'c1' },
  'from the beginning': { limit: 100, from: 0, to: 60 },
  since: { limit: 100, since: MIDNIGHT_SECONDS * 1000 + 999 },
  'long ago': { limit: 100, since: 1 },
};

/** Everything that a connector declares, and the requests that follow from it, as text. */
export function describeConnector(connector: Connector): string {
  const account: AppAccount = {
    appKey: 'app',
    baseUrl: connector.metadata.baseUrl,
    apiKey: 'the-key',
    settings: connector.settings.parse({}),
  };
  const { migrations, ...metadata } = connector.metadata;
  const groups = connector.changeLog?.groups(Object.keys(connector.resources)) ?? [];
  const classes = new Set<string>();
  const sections: [string, unknown][] = [
    ['metadata', { ...metadata, migrations: migrations?.pathname.split('/').slice(-4).join('/') }],
    ['headers', connector.headers(account)],
    ['probe', connector.probe],
    ['identity', connector.identity?.request],
    [
      'settings that are refused',
      Object.entries({ unknown: 1 }).map(([key, value]) => connector.settings.safeParse({ [key]: value }).success),
    ],
    ['concurrency', connector.limits.concurrency(account)],
    [
      'change log',
      connector.changeLog && {
        retentionMs: connector.changeLog.retentionMs,
        overlapMs: connector.changeLog.overlapMs,
        groups,
        first: connector.changeLog.request(groups[0]?.slice(0, 2) ?? [], {
          limit: 100,
          since: MIDNIGHT_SECONDS * 1000 + 999,
        }),
        next: connector.changeLog.request([], { limit: 7, cursor: 'c1', to: MIDNIGHT_SECONDS }),
      },
    ],
    ['handshake', connector.webhook.handshakeMethods],
    ...Object.values(connector.resources).map((resource): [string, unknown] => {
      const requests = requestsOf(connector, resource);
      for (const request of Object.values(requests))
        if (typeof request !== 'string') for (const name of connector.limits.classes(request)) classes.add(name);
      return [
        `resource ${resource.name}`,
        { ...resource, spec: toSqlSpec(resource, connector.resources, connector.metadata.apiVersion), requests },
      ];
    }),
    ['limits', Object.fromEntries([...classes].sort().map((name) => [name, connector.limits.limit(name, account)]))],
  ];
  return `${sections.map(([name, value]) => `## ${name}\n\n${JSON.stringify(value, undefined, 1)}`).join('\n\n')}\n`;
}

function requestsOf(connector: Connector, resource: Resource): Record<string, ProviderRequest | string> {
  const requests: Record<string, ProviderRequest | string> = {};
  const ask = (name: string, position: Position) => {
    try {
      requests[name] = connector.page(resource, position);
    } catch (error) {
      requests[name] = `refused: ${(error as Error).message}`;
    }
  };
  if (resource.list !== undefined) {
    for (const [name, position] of Object.entries(POSITIONS)) ask(name, position);
    for (const variant of resource.list.variants ?? [])
      ask(`variant ${JSON.stringify(variant)}`, { limit: 100, variant });
  }
  if (resource.perParent !== undefined) {
    ask('of a parent', { limit: 100, parent: 'p/1' });
    ask('of a parent, next', { limit: 100, parent: 'p/1', cursor: 'c1' });
  }
  if (resource.retrieve !== undefined)
    requests['one'] = {
      path: resource.retrieve.path,
      ...(resource.retrieve.query === undefined ? {} : { query: resource.retrieve.query }),
    };
  return requests;
}
