import type { Connector } from './connector.ts';
import type { Resource } from './resource.ts';

const registered = new Map<string, Connector>();

/**
 * Declares a connector and registers it under its name when its module loads (S4-24).
 *
 * Throws when its description contradicts itself: a child that is not declared, two resources of one collection.
 */
export function defineConnector<
  Settings,
  const Name extends string = string,
  const ResourceName extends string = string,
  SettingsInput = unknown,
>(
  connector: Connector<Settings, Name, ResourceName, SettingsInput>,
): Connector<Settings, Name, ResourceName, SettingsInput> {
  const { name } = connector.metadata;
  const resources: Readonly<Record<string, Resource>> = connector.resources;
  const collections = new Map<string, string>();
  for (const [key, resource] of Object.entries(resources)) {
    if (key !== resource.name)
      throw new Error(`connector ${name}: resource "${resource.name}" is filed under "${key}"`);
    const other = collections.get(resource.collection);
    if (other !== undefined)
      throw new Error(
        `connector ${name}: "${other}" and "${resource.name}" share the collection ${resource.collection}`,
      );
    collections.set(resource.collection, resource.name);
    if (!/^[a-z][a-z0-9_]{0,50}$/.test(resource.collection))
      throw new Error(`connector ${name}: collection "${resource.collection}" is no valid name`);
    for (const child of resource.children ?? []) {
      if (resources[child.resource] === undefined)
        throw new Error(`connector ${name}: ${resource.name} has an undeclared child "${child.resource}"`);
    }
  }
  registered.set(name, connector);
  return connector;
}

/** The connector of that name; its module must have been imported (S4-25). Undefined when it was not. */
export function findConnector(name: string): Connector | undefined {
  return registered.get(name);
}

/** Like `findConnector`, but an unknown name is an error that lists the known ones. */
export function getConnector(name: string): Connector {
  const connector = registered.get(name);
  if (connector === undefined) {
    throw new Error(
      `unknown connector "${name}": import its module in supasaasy.config.ts (registered: ${connectorNames().join(', ') || 'none'})`,
    );
  }
  return connector;
}

export function connectorNames(): string[] {
  return [...registered.keys()].sort();
}
