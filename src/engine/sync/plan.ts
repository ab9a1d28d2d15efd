import { ConfigError } from '../../errors.ts';
import { floorMs } from '../../kit/instant.ts';
import type { Resource, Silent } from '../../kit/resource.ts';
import type { App } from '../app.ts';
import type { PlannedTask, RunOptions, SyncMode, SyncState, TaskInput } from '../store.ts';

const PRIORITY = { incremental: 1, full: 2 } as const;

/**
 * Decides what a run reads; writes nothing. A full run reads every list of the wanted resources. An incremental run
 * asks each resource in the way its description names, and plans a full pass for those that have no watermark yet or
 * whose gap the provider's log no longer covers (S4-13 … S4-16).
 */
export function planRun(
  app: App,
  mode: SyncMode,
  options: RunOptions,
  state: Readonly<Record<string, SyncState>>,
  nowMs: number,
): PlannedTask[] {
  const wanted = wantedResources(app, options);
  const log = app.config.connector.changeLog;
  const isLogged = (watermark: number) => log !== undefined && watermark - log.overlapMs >= nowMs - log.retentionMs;
  if (mode === 'full') {
    // No list shows what changed of an object that is in none: the log does.
    const hidden = wanted.flatMap((resource): Followed[] => {
      const { watermark, unlisted } = state[resource.collection] ?? {};
      const known = resource.incremental.by === 'events' && unlisted === true && watermark != null;
      return known && isLogged(watermark) ? [{ resource, watermark }] : [];
    });
    const names = hidden.map(({ resource }) => resource.name);
    return [
      ...wanted.flatMap((resource) => planPass(app, resource, options, PRIORITY.full)),
      ...planChanges(app, hidden, names, options, PRIORITY.full),
    ];
  }

  const plan: PlannedTask[] = [];
  const followed: Followed[] = [];
  for (const resource of wanted) {
    const watermark = state[resource.collection]?.watermark ?? undefined;
    const { incremental } = resource;
    if (watermark === undefined || incremental.by === 'full' || (incremental.by === 'events' && !isLogged(watermark))) {
      plan.push(...planPass(app, resource, options, PRIORITY.incremental));
    } else if (incremental.by === 'events') {
      followed.push({ resource, watermark });
      plan.push(...planSilent(resource, incremental.silent, watermark, options));
    } else {
      const at = incremental.by === 'search' ? resource.version : resource.created;
      const since = floorMs(watermark - ('overlapMs' in incremental ? incremental.overlapMs : 0), at);
      plan.push({
        resource: resource.name,
        collection: resource.collection,
        kind: 'list',
        pass: false,
        priority: PRIORITY.incremental,
        input: { ...limitOf(options), ...(incremental.by === 'search' ? { since } : {}) },
        ...(incremental.by === 'window' ? { range_from: Math.max(0, Math.floor(since / 1000)) } : {}),
      });
    }
  }
  const names = options.resources === undefined ? app.config.resources : followed.map((f) => f.resource.name);
  return [...plan, ...planChanges(app, followed, names, options, PRIORITY.incremental)];
}

/** What the log of changes does not show. */
function planSilent(
  resource: Resource,
  silent: Silent | undefined,
  watermark: number,
  options: RunOptions,
): PlannedTask[] {
  if (silent === undefined) return [];
  const variants = silent.by === 'list' ? (silent.variants ?? [undefined]) : [undefined];
  return variants.map((_, part) => ({
    resource: resource.name,
    collection: resource.collection,
    kind: 'list' as const,
    pass: false,
    priority: PRIORITY.incremental,
    input: { ...limitOf(options), silent: part },
    ...(silent.by === 'window' ? { range_from: Math.max(0, Math.floor((watermark - silent.overlapMs) / 1000)) } : {}),
  }));
}

interface Followed {
  readonly resource: Resource;
  readonly watermark: number;
}

/** Reads the log of changes since the oldest of these watermarks. */
function planChanges(
  app: App,
  followed: readonly Followed[],
  names: readonly string[],
  options: RunOptions,
  priority: number,
): PlannedTask[] {
  const log = app.config.connector.changeLog;
  if (followed.length === 0 || log === undefined) return [];
  const since = Math.min(...followed.map((f) => f.watermark)) - log.overlapMs;
  const collections = followed.map((f) => f.resource.collection);
  return log.groups(names).map((types) => ({
    resource: 'changes',
    collection: '*',
    kind: 'changes',
    pass: false,
    priority,
    input: { since, types, collections, ...limitOf(options) },
  }));
}

/** The resources that have a list of their own, in the connector's order. */
export function wantedResources(app: App, options: RunOptions): Resource[] {
  const { connector, resources } = app.config;
  for (const name of options.resources ?? []) {
    if (!resources.includes(name)) {
      throw new ConfigError(`${app.key} does not sync "${name}" (it syncs: ${resources.join(', ')})`);
    }
  }
  // A nested resource is read with its parent.
  const asked = options.resources === undefined ? undefined : new Set(options.resources);
  return resources
    .map((name) => connector.resources[name])
    .filter((resource): resource is Resource => resource?.list !== undefined)
    .filter(
      (resource) =>
        asked === undefined ||
        asked.has(resource.name) ||
        (resource.children ?? []).some((child) => asked.has(child.resource)),
    );
}

function planPass(app: App, resource: Resource, options: RunOptions, priority: number): PlannedTask[] {
  const list = resource.list;
  if (list === undefined) return [];
  const from = windowFrom(app.config.syncFromSeconds, resource);
  const note = options.limit !== undefined ? 'read with a limit: absence proves nothing' : list.incomplete;
  return (list.variants ?? [undefined]).map((_, variant) => ({
    resource: resource.name,
    collection: resource.collection,
    kind: 'list' as const,
    pass: true,
    priority,
    sweepable: note === undefined,
    ...(note === undefined ? {} : { note }),
    input: {
      ...(list.variants === undefined ? {} : { variant }),
      ...limitOf(options),
      ...(list.ranged === true && options.limit === undefined ? { ranged: true } : {}),
      ...(from === undefined || resource.created === undefined ? {} : { created_from: from }),
    },
    ...(from === undefined ? {} : { window_from: from, ...(list.ranged === true ? { range_from: from } : {}) }),
  }));
}

/** Where creation times are known by the minute or the day, the window begins with one: else its first has two sides. */
function windowFrom(seconds: number | undefined, { created }: Resource): number | undefined {
  return seconds === undefined ? undefined : Math.floor(floorMs(seconds * 1000, created) / 1000);
}

function limitOf(options: RunOptions): TaskInput {
  return options.limit === undefined ? {} : { limit: options.limit };
}
