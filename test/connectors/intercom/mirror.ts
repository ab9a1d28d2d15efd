import { createHash } from 'node:crypto';
import { intercom } from '../../../connectors/intercom/index.ts';
import { sandboxFetch } from '../../../sandbox/http/fetch.ts';
import type { SandboxDelivery } from '../../../sandbox/http/provider.ts';
import { createIntercomSandbox, type IntercomSandboxOptions } from '../../../sandbox/intercom/intercom-sandbox.ts';
import { type ConfigInput, parseConfig } from '../../../src/config.ts';
import { createEngine } from '../../../src/engine/engine.ts';
import type { SyncMode } from '../../../src/engine/store.ts';
import type { Json } from '../../sandbox/intercom-client.ts';
import type { MakeDatabase } from '../../setup/database.ts';
import { INTERCOM_TEMPLATE } from './template.ts';

export interface MirrorOptions extends IntercomSandboxOptions {
  readonly sync_from?: string;
  readonly resources?: string[];
}

/** An emulated workspace and an engine that mirrors it, in one process. */
export async function createMirror(make: MakeDatabase, { sync_from, resources, ...options }: MirrorOptions = {}) {
  const { database } = await make({ template: INTERCOM_TEMPLATE });
  const sandbox = createIntercomSandbox({ seed: 4, ...options });
  const fetch = sandboxFetch(sandbox);
  const app: NonNullable<ConfigInput['apps']>[number] = {
    app_key: 'main',
    connector: intercom.metadata.name,
    config: { api_key_env: 'KEY', webhook_secret_env: 'SECRET', ...(resources ? { sync_resources: resources } : {}) },
    ...(sync_from === undefined ? {} : { sync_from }),
  };
  const engine = createEngine({
    config: parseConfig({ apps: [app] }),
    database,
    env: { KEY: sandbox.accessToken, SECRET: sandbox.clientSecret },
    ports: { fetch },
    settings: { retryBaseMs: 5 },
  });
  await engine.store.declareApps([{ app_key: 'main', name: 'main', connector: 'intercom' }]);

  const query = <Row = Record<string, unknown>>(sql: string, values: unknown[] = []) =>
    database.query<Row>(sql, values);

  return {
    sandbox,
    fetch,
    engine,
    query,
    sync: (mode: SyncMode) => engine.sync('main', mode),
    /** Deliveries as Intercom would send them, processed to their end. */
    async deliver(deliveries: readonly SandboxDelivery[]) {
      for (const { body, sign } of deliveries) {
        await engine.acceptor.accept(
          engine.app('main'),
          new TextEncoder().encode(body),
          new Headers(sign(body, Date.now())),
        );
      }
      await engine.drain();
      await engine.work();
    },
    /** Ids with a digest of the object, as the mirror holds them: neither tombstones nor archived ones. */
    async held(resource: string): Promise<string[]> {
      const rows = await query<{ id: string; payload: Json }>(
        `select external_id as id, raw_payload as payload from supasaasy.entities
         where collection_key = $1 and deleted_at is null and archived_at is null`,
        [`intercom_${resource}`],
      );
      return rows.map(({ id, payload }) => `${id} ${digest(payload)}`).sort();
    },
    /** The same of what the workspace holds. */
    truth: (resource: string): string[] =>
      [...sandbox.objects(resource)].map(({ id, json }) => `${id} ${digest(JSON.parse(json))}`).sort(),
  };
}

export type Mirror = Awaited<ReturnType<typeof createMirror>>;

/** Of the object without what a list does not show, or what is kept as a collection of its own; in any order of keys. */
function digest(object: Json): string {
  const { statistics, conversation_parts: _parts, ...rest } = object;
  return createHash('sha1')
    .update(JSON.stringify(sorted(object.type === 'article' ? rest : { ...rest, statistics })))
    .digest('hex');
}

function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key])]),
  );
}
