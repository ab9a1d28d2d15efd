import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { configSchema } from '../../src/config-schema.ts';
import type { Connector } from '../../src/kit/connector.ts';
import { connectorNames, getConnector } from '../../src/kit/define-connector.ts';
import { listFolders } from '../check/files.ts';

export const CONFIG_SCHEMA = 'dist/config.schema.json';

type Json = Record<string, unknown>;

/** JSON schema of what `parseConfig` takes, for editors: `"$schema": "./node_modules/supasaasy/dist/config.schema.json"`. */
export async function writeConfigSchema(root: string, out = root): Promise<void> {
  for (const name of listFolders(join(root, 'connectors')))
    await import(pathToFileURL(join(root, 'connectors', name, 'index.ts')).href);
  const schema = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' });
  const apps = (schema.properties?.['apps'] ?? {}) as { items?: { properties?: Json; allOf?: unknown } };
  const names = connectorNames();
  if (apps.items?.properties === undefined) throw new Error('the schema of a configuration has no apps');
  apps.items.properties['connector'] = { type: 'string', enum: names };
  // What an app may set follows from its connector.
  apps.items.allOf = names.map((name) => ({
    if: { properties: { connector: { const: name } }, required: ['connector'] },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: { properties: { config: configOf(getConnector(name), apps.items?.properties?.['config'] as Json) } },
  }));
  const file = join(out, CONFIG_SCHEMA);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify({ ...schema, title: 'supasaasy configuration' }, null, 2)}\n`);
}

function configOf(connector: Connector, common: Json): Json {
  const own = z.toJSONSchema(connector.settings, { io: 'input', unrepresentable: 'any' });
  const resources = { type: 'array', minItems: 1, items: { enum: Object.keys(connector.resources) } };
  const properties = { ...(common['properties'] as Json), ...own.properties, sync_resources: resources };
  return { type: 'object', properties, additionalProperties: false };
}
