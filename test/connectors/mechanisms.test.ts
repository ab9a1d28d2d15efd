import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { intercom } from '../../connectors/intercom/index.ts';
import { stripe } from '../../connectors/stripe/index.ts';
import type { Connector, Resource } from '../../src/kit/index.ts';

const HOUR_MS = 3_600_000;
const hours = (ms: number) =>
  ms < HOUR_MS
    ? `${ms / 60_000} minutes`
    : ms >= 48 * HOUR_MS
      ? `${ms / 24 / HOUR_MS} days`
      : ms === HOUR_MS
        ? 'hour'
        : `${ms / HOUR_MS} hours`;

/** How an incremental run finds what is new of a resource, in the words of the READMEs. */
function mechanismOf(connector: Connector, resource: Resource): string {
  const { list, name } = resource;
  const parents = Object.values(connector.resources).filter(({ children }) =>
    children?.some((child) => child.resource === name),
  );
  const nested = parents.map((parent) => `with its ${parent.name}`);
  const own = list === undefined ? [] : [ownMechanism(resource)];
  if (own.length + nested.length === 0) throw new Error(`nothing finds a new ${name}`);
  return [...own, ...nested].join('; ');
}

function ownMechanism({ incremental }: Resource): string {
  if (incremental.by === 'full') return 'the whole list';
  if (incremental.by === 'search') return `search by change time, the last ${hours(incremental.overlapMs)} again`;
  if (incremental.by === 'window') return `those created in the last ${hours(incremental.overlapMs)}`;
  const silent = incremental.by === 'events' ? incremental.silent : undefined;
  if (silent === undefined) return 'log of events';
  if (silent.by === 'window') return `log of events; those created in the last ${hours(silent.overlapMs)}`;
  const parts = silent.variants?.map((variant) =>
    Object.entries(variant)
      .map(([key, value]) => `\`${key}=${value}\``)
      .join(' '),
  );
  return `log of events; the list${parts === undefined ? '' : ` with ${parts.join(' and ')}`}`;
}

describe.each([
  ['Stripe', stripe, 29],
  ['Intercom', intercom, 10],
] as const)('C7: what an incremental run of %s finds, resource by resource', (_, connector, count) => {
  it('is what the README says', () => {
    const readme = readFileSync(new URL('../README.md', connector.metadata.migrations ?? ''), 'utf8');
    const section =
      /## What an incremental run reads\n([\s\S]*?)\n## /.exec(readme)?.[1] ?? expect.fail('no such section');
    const rows = [...section.matchAll(/^\| ([a-z_, ]+) \| (.+?) \|/gm)]
      .filter(([, names]) => names !== 'resource')
      .flatMap(([, names = '', mechanism = '']) => names.split(', ').map((name) => [name, mechanism]));
    const said = Object.fromEntries(rows);
    const derived = Object.fromEntries(
      Object.values(connector.resources).map((resource) => [resource.name, mechanismOf(connector, resource)]),
    );
    expect(Object.keys(derived)).toHaveLength(count);
    expect(said).toEqual(derived);
  });

  it('leaves none to a full pass alone', () => {
    for (const resource of Object.values(connector.resources))
      expect(mechanismOf(connector, resource), resource.name).toMatch(/\w/);
  });
});
