import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { createApps } from '../../src/engine/app.ts';
import { connectorNames, getConnector, normalize } from '../../src/kit/index.ts';
import { acme } from '../support/acme-connector.ts';

describe('the registry of connectors', () => {
  it('S4-24 S4-25 knows a connector when its module is loaded, and names the known ones otherwise', () => {
    expect(getConnector('acme')).toBe(acme);
    expect(connectorNames()).toContain('acme');
    expect(() => getConnector('acmee')).toThrow(/unknown connector "acmee".*registered: .*acme/);
  });

  it('S4-26 finds the connector of an app by its key', () => {
    const config = parseConfig({
      apps: [
        { app_key: 'one', connector: 'acme' },
        { app_key: 'two', connector: 'acme_large' },
      ],
    });
    const apps = createApps(config, {});
    expect(apps.get('one')?.config.connector).toBe(acme);
    expect(apps.get('two')?.config.connector.metadata.name).toBe('acme_large');
    expect(apps.get('three')).toBeUndefined();
  });

  it('S4-11 S4-12 S4-20 … S4-23 an object becomes a normalized entity', () => {
    const thing = acme.resources['thing'];
    if (thing === undefined) throw new Error('no thing');
    const object = { id: 'x', created: 1_700_000_000, active: false, more: [1] };
    expect(normalize(thing, object, '1', 1_700_000_001_500)).toEqual({
      external_id: 'x',
      collection_key: 'acme_thing',
      raw_payload: object,
      api_version: '1',
      archived_at: '2023-11-14T22:13:21.500Z',
      source_created_at: '2023-11-14T22:13:20.000Z',
    });
    expect(() => normalize(thing, { created: 1 }, '1', 0)).toThrow('a thing has no id');
  });
});
