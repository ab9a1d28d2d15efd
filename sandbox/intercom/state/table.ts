import { createOrderIndex, type OrderIndex } from './order-index.ts';

export const LIVE = 0;
export const ARCHIVED = 1;
export const DELETED = 2;
export const MERGED = 3;
export type ObjectState = typeof LIVE | typeof ARCHIVED | typeof DELETED | typeof MERGED;

export type Attributes = Readonly<Record<string, unknown>>;

/**
 * What is remembered of one resource: nine bytes an object, and the attributes of those that were changed.
 * Everything else is computed from the index when asked for. Creation order is index order.
 */
export interface Table {
  readonly length: number;
  readonly liveCount: number;
  /** Rises with every change. */
  readonly revision: number;
  /** Live objects by (updated_at, index). */
  readonly byUpdated: OrderIndex;
  createdAt(index: number): number;
  updatedAt(index: number): number;
  state(index: number): ObjectState;
  isLive(index: number): boolean;
  changes(index: number): Attributes;
  isUnchanged(index: number): boolean;
  add(second: number, attributes: Attributes): number;
  change(index: number, second: number, attributes: Attributes): void;
  setState(index: number, state: ObjectState, second: number): void;
}

export interface TableSeed {
  readonly length: number;
  createdAt(index: number): number;
  updatedAt(index: number): number;
}

export function createTable(seed: TableSeed): Table {
  let length = seed.length;
  let created = new Uint32Array(Math.max(64, length + (length >> 3)));
  let updated = new Uint32Array(created.length);
  let states = new Uint8Array(created.length);
  const changed = new Map<number, Attributes>();
  let revision = 0;
  for (let i = 0; i < length; i += 1) {
    created[i] = seed.createdAt(i);
    updated[i] = Math.max(seed.updatedAt(i), created[i] ?? 0);
  }
  const byUpdated = createOrderIndex(liveEntries(), created.length);

  function* liveEntries(): Iterable<readonly [number, number]> {
    for (let i = 0; i < length; i += 1) yield [updated[i] ?? 0, i];
  }
  function grow(): void {
    const wider = (from: Uint32Array): Uint32Array<ArrayBuffer> => {
      const to = new Uint32Array(from.length * 2);
      to.set(from);
      return to;
    };
    created = wider(created);
    updated = wider(updated);
    const widerStates = new Uint8Array(states.length * 2);
    widerStates.set(states);
    states = widerStates;
  }
  function touch(index: number, second: number): void {
    const wasLive = byUpdated.remove(updated[index] ?? 0, index);
    revision += 1;
    updated[index] = Math.max(second, updated[index] ?? 0);
    if (wasLive) byUpdated.insert(updated[index] ?? 0, index);
  }

  return {
    get length() {
      return length;
    },
    get liveCount() {
      return byUpdated.size;
    },
    get revision() {
      return revision;
    },
    byUpdated,
    createdAt: (index) => created[index] ?? 0,
    updatedAt: (index) => updated[index] ?? 0,
    state: (index) => (states[index] ?? DELETED) as ObjectState,
    isLive: (index) => index >= 0 && index < length && states[index] === LIVE,
    changes: (index) => changed.get(index) ?? NOTHING,
    isUnchanged: (index) => !changed.has(index),
    add(second, attributes) {
      if (length === created.length) grow();
      const index = length;
      const previous = index > 0 ? (created[index - 1] ?? 0) : 0;
      created[index] = Math.max(second, previous);
      updated[index] = created[index] ?? second;
      states[index] = LIVE;
      changed.set(index, attributes);
      length += 1;
      revision += 1;
      byUpdated.insert(updated[index] ?? 0, index);
      return index;
    },
    change(index, second, attributes) {
      changed.set(index, { ...changed.get(index), ...attributes });
      touch(index, second);
    },
    setState(index, state, second) {
      byUpdated.remove(updated[index] ?? 0, index);
      revision += 1;
      updated[index] = Math.max(second, updated[index] ?? 0);
      states[index] = state;
      if (state === LIVE) byUpdated.insert(updated[index] ?? 0, index);
    },
  };
}

const NOTHING: Attributes = {};
