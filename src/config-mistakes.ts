import { z } from 'zod';
import { COMMON_KEYS, configSchema, connectorSchema } from './config-schema.ts';
import type { Connector } from './kit/connector.ts';
import { connectorNames, findConnector } from './kit/define-connector.ts';
import { chooseResources } from './kit/resource.ts';

/** Whatever of an app can be read, however wrong the rest of it is. */
const names = z.array(z.string()).optional().catch(undefined);
const readableApp = z.object({
  app_key: z.string().optional().catch(undefined),
  connector: z.unknown(),
  config: z.looseObject({ sync_resources: names }).catch({ sync_resources: undefined }).prefault({}),
  history: names,
});
const nameless = { connector: undefined, config: { sync_resources: undefined } };
const readable = z
  .object({
    apps: z.array(readableApp.catch(nameless)).catch([]).prefault([]),
    schedules: z
      .array(z.object({ app_key: z.string().optional().catch(undefined) }).catch({}))
      .catch([])
      .prefault([]),
    consumers: z
      .array(z.object({ name: z.string().optional().catch(undefined) }).catch({}))
      .catch([])
      .prefault([]),
  })
  .catch({ apps: [], schedules: [], consumers: [] });

type ReadableApp = z.output<typeof readableApp>;

/**
 * Every mistake of a configuration, of shape and of meaning, each with its path and how to mend it. A mistake hides no
 * other: what is told about an app's connector does not wait until its key is right.
 */
export function findMistakes(input: unknown): string[] {
  const shape = configSchema.safeParse(input);
  const mistakes = shape.success ? [] : shape.error.issues.map((issue) => `${pathOf(issue.path)}: ${mendingOf(issue)}`);
  const { apps, schedules, consumers } = readable.parse(input);
  apps.forEach((app, index) => {
    mistakes.push(...mistakesOfApp(app, `apps[${index}]`));
  });
  mistakes.push(...copiesOf(apps));
  const keys = apps.map((app) => app.app_key);
  mistakes.push(
    ...repeated(keys).map(([i, key]) => `apps[${i}].app_key: "${key}" is used twice; every app needs a key of its own`),
  );
  schedules.forEach(({ app_key }, index) => {
    if (app_key !== undefined && !keys.includes(app_key))
      mistakes.push(
        `schedules[${index}].app_key: there is no app "${app_key}" (apps: ${keys.filter((key) => key !== undefined).join(', ') || 'none'})`,
      );
  });
  mistakes.push(
    ...repeated(consumers.map(({ name }) => name)).map(
      ([i, name]) => `consumers[${i}].name: "${name}" is used twice; every consumer needs a name of its own`,
    ),
  );
  return mistakes;
}

function repeated(values: readonly (string | undefined)[]): [number, string][] {
  return values.flatMap((value, index): [number, string][] =>
    value !== undefined && values.indexOf(value) !== index ? [[index, value]] : [],
  );
}

/** Two objects of one name: their module was loaded from two places, and what one of them knows the other does not. */
function copiesOf(apps: readonly ReadableApp[]): string[] {
  const known = new Map<string, Connector>();
  return apps.flatMap(({ connector: value }, index) => {
    const named = connectorSchema.safeParse(value).data;
    const connector = typeof named === 'string' ? findConnector(named) : named;
    if (connector === undefined) return [];
    const { name } = connector.metadata;
    const first = known.get(name) ?? connector;
    known.set(name, first);
    return first === connector
      ? []
      : [
          `apps[${index}].connector: another copy of the connector "${name}" is used above; import it from one place only`,
        ];
  });
}

function mistakesOfApp(app: ReadableApp, path: string): string[] {
  const mistakes: string[] = [];
  const own = Object.entries(app.config).filter(([name]) => !COMMON_KEYS.includes(name));
  const literal = own.map(([name]) => name).filter(isSecret);
  const variables = (app.app_key ?? 'my_app').toUpperCase().replaceAll(/[^A-Z0-9]/g, '_');
  for (const name of literal)
    mistakes.push(
      `${path}.config.${name}: a secret has no place in this file; put it into .env and name its variable: ${name}_env: '${variables}_${name.toUpperCase()}'`,
    );
  const named = connectorSchema.safeParse(app.connector).data;
  if (named === undefined) return mistakes;
  const connector = typeof named === 'string' ? findConnector(named) : named;
  if (connector === undefined) {
    const imported = connectorNames().join(', ') || 'none';
    return [
      ...mistakes,
      `${path}.connector: unknown connector "${String(app.connector)}"; correct it, or import its module in supasaasy.config.ts (imported: ${imported})`,
    ];
  }
  const settings = connector.settings.safeParse(Object.fromEntries(own.filter(([name]) => !isSecret(name))));
  for (const issue of settings.error?.issues ?? [])
    mistakes.push(`${path}.config${pathOf(issue.path, '.')}: ${mendingOf(issue, settingsOf(connector))}`);
  const wanted = app.config.sync_resources;
  for (const [index, name] of (wanted ?? []).entries()) {
    if (connector.resources[name] === undefined)
      mistakes.push(
        `${path}.config.sync_resources[${index}]: ${connector.metadata.name} has no resource "${name}" (it has: ${Object.keys(connector.resources).join(', ')})`,
      );
  }
  const resources = chooseResources(connector.resources, wanted);
  for (const [index, name] of (app.history ?? []).entries()) {
    if (!resources.includes(name))
      mistakes.push(
        `${path}.history[${index}]: ${app.app_key ?? 'this app'} syncs no resource "${name}" (it syncs: ${resources.join(', ')})`,
      );
  }
  return mistakes;
}

/** Settings that hold a secret itself, instead of naming its variable. */
const isSecret = (name: string) => /^(api_key|webhook_secret|access_token|client_secret|token|secret)$/.test(name);

function settingsOf({ settings }: Connector): readonly string[] {
  const own = settings instanceof z.ZodObject ? Object.keys(settings.shape) : [];
  return [...COMMON_KEYS, ...own];
}

/** What to write instead. A description's own words are kept; zod's general ones say what was wrong, in its terms. */
function mendingOf(issue: z.core.$ZodIssue, fields: readonly string[] = []): string {
  if (!/^(Invalid|Too|Unrecognized)/.test(issue.message)) return issue.message;
  switch (issue.code) {
    case 'invalid_type': {
      const wanted = TYPES[issue.expected] ?? `of type ${issue.expected}`;
      const [, received = ''] = /received (\w+)/.exec(issue.message) ?? [];
      return received === 'undefined' ? `is missing; it must be ${wanted}` : `must be ${wanted}`;
    }
    case 'invalid_value':
      return `must be ${issue.values.map((value) => JSON.stringify(value)).join(' or ')}`;
    case 'unrecognized_keys':
      return `there is no setting ${issue.keys.map((key) => `"${key}"`).join(', ')} (there are: ${fields.join(', ')})`;
    case 'too_small':
      if (issue.origin !== 'number') return 'must not be empty';
      return `must be ${issue.inclusive === true ? 'at least' : 'more than'} ${issue.minimum}`;
    case 'too_big':
      return `must be at most ${issue.maximum}`;
    default:
      return issue.message;
  }
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list: [ … ]',
  object: 'an object: { … }',
};

function pathOf(path: readonly PropertyKey[], prefix = ''): string {
  const text = path.reduce<string>(
    (out, step) => out + (typeof step === 'number' ? `[${step}]` : `${out === '' ? '' : '.'}${String(step)}`),
    '',
  );
  if (text !== '') return prefix + text;
  return prefix === '' ? '(root)' : '';
}
