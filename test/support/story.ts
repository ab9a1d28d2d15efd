import fc from 'fast-check';
import { expect } from 'vitest';
import type { AcmeEvent } from './acme-account.ts';
import type { Mirror } from './mirror.ts';

/** Things are told of by events, notes have a change time, tags have neither. */
type Kind = 'thing' | 'note' | 'tag';

/** What happens at the provider, on the way, or in the engine. Numbers choose among what there is at that moment. */
export type Step =
  | { readonly do: 'tick'; readonly seconds: number }
  | { readonly do: 'create'; readonly kind: Kind; readonly parts: number }
  | { readonly do: 'update'; readonly kind: Kind; readonly pick: number; readonly value: number }
  | { readonly do: 'parts'; readonly pick: number; readonly part: number; readonly how: 'add' | 'change' | 'drop' }
  | { readonly do: 'archive'; readonly pick: number }
  | { readonly do: 'remove'; readonly kind: Kind; readonly pick: number }
  | { readonly do: 'revive'; readonly kind: Kind; readonly pick: number }
  | { readonly do: 'deliver'; readonly pick: number; readonly keep: boolean }
  | { readonly do: 'lose'; readonly pick: number };

/** A run reads the account while other steps happen: `during[i]` after the i-th answer was made, before it is received. */
export interface Run {
  readonly do: 'run';
  readonly mode: 'full' | 'incremental';
  readonly during: readonly (readonly Step[])[];
}

export type Story = readonly (Step | Run)[];

const pick = fc.nat({ max: 50 });
const kind = fc.constantFrom<Kind>('thing', 'thing', 'thing', 'note', 'note', 'tag');

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('tick' as const), seconds: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('create' as const), kind, parts: fc.nat({ max: 5 }) }) },
  // Three values only: an object often becomes again what it was.
  { weight: 6, arbitrary: fc.record({ do: fc.constant('update' as const), kind, pick, value: fc.nat({ max: 2 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('parts' as const),
      pick,
      part: fc.nat({ max: 5 }),
      how: fc.constantFrom('add' as const, 'change' as const, 'drop' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('archive' as const), pick }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('remove' as const), kind, pick }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('revive' as const), kind, pick }) },
  { weight: 9, arbitrary: fc.record({ do: fc.constant('deliver' as const), pick, keep: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('lose' as const), pick }) },
);

const run: fc.Arbitrary<Run> = fc.record({
  do: fc.constant('run' as const),
  mode: fc.constantFrom('full' as const, 'incremental' as const),
  during: fc.array(fc.array(step, { maxLength: 3 }), { maxLength: 6 }),
});

/** Pages, events and deletes in random order; deliveries lost, doubled, reordered, of one second. */
export const story: fc.Arbitrary<Story> = fc
  .array(fc.oneof({ weight: 8, arbitrary: step }, { weight: 1, arbitrary: run }), { minLength: 5, maxLength: 40 })
  .map((steps) => [
    ...Array.from({ length: 3 }, (): Step => ({ do: 'create', kind: 'thing', parts: 2 })),
    ...Array.from({ length: 2 }, (): Step => ({ do: 'create', kind: 'note', parts: 0 })),
    ...Array.from({ length: 3 }, (): Step => ({ do: 'create', kind: 'tag', parts: 0 })),
    ...steps,
  ]);

/** The same story without some of its steps. */
export function without(steps: Story, ...unwanted: readonly Step['do'][]): Story {
  const wanted = (one: Step | Run) => !(unwanted as readonly string[]).includes(one.do);
  return steps
    .filter(wanted)
    .map((one) => (one.do === 'run' ? { ...one, during: one.during.map((inner) => inner.filter(wanted)) } : one));
}

/** Plays a story; `check` runs after every step. Returns what was lost on the way. */
export async function play(mirror: Mirror, steps: Story, check: () => Promise<void> = async () => {}): Promise<void> {
  const { account, api } = mirror;
  const pending: AcmeEvent[] = [];
  const dead: { kind: string; id: string }[] = [];
  let heard = account.log.length;
  let serial = 0;

  async function take(one: Step): Promise<void> {
    const ids = 'kind' in one ? account.ids(one.kind) : account.ids('thing');
    const id = 'pick' in one ? ids[one.pick % Math.max(1, ids.length)] : undefined;
    const thing = id === undefined ? undefined : account.get('thing', id);
    const parts = (thing?.['parts'] ?? []) as { id: string; text: number }[];
    switch (one.do) {
      case 'tick':
        account.tick(one.seconds);
        break;
      case 'create':
        account.create(
          one.kind,
          one.kind !== 'thing' ? { value: 0 } : { value: 0, active: true, parts: newParts(one.parts) },
        );
        break;
      case 'update':
        if (id !== undefined) account.update(one.kind, id, { value: one.value });
        break;
      case 'parts':
        if (id === undefined) break;
        if (one.how === 'add') account.update('thing', id, { parts: [...newParts(1), ...parts] });
        if (one.how === 'drop')
          account.update('thing', id, { parts: parts.filter((_, i) => i !== one.part % parts.length) });
        if (one.how === 'change')
          account.update('thing', id, {
            parts: parts.map((part, i) => (i === one.part % parts.length ? { ...part, text: 1 - part.text } : part)),
          });
        break;
      case 'archive':
        if (id !== undefined) account.update('thing', id, { active: thing?.['active'] === false });
        break;
      case 'remove':
        if (id === undefined) break;
        account.remove(one.kind, id);
        dead.push({ kind: one.kind, id });
        break;
      case 'revive': {
        const known = dead.filter((d) => d.kind === one.kind);
        const chosen = known[one.pick % Math.max(1, known.length)];
        if (chosen === undefined || account.get(chosen.kind, chosen.id) !== undefined) break;
        // A provider gives an id again in a later second, if ever.
        account.tick();
        account.create(chosen.kind, { id: chosen.id, value: 9, active: true });
        break;
      }
      case 'deliver': {
        const event = pending[one.pick % Math.max(1, pending.length)];
        if (event === undefined) break;
        if (!one.keep) pending.splice(pending.indexOf(event), 1);
        await mirror.accept(event);
        await mirror.engine.drain({ retryBaseMs: 0 });
        break;
      }
      case 'lose':
        if (pending.length > 0) pending.splice(one.pick % pending.length, 1);
        break;
    }
    pending.push(...account.log.slice(heard));
    heard = account.log.length;
  }

  function newParts(count: number) {
    return Array.from({ length: count }, () => ({ id: `part_${mirror.key}_${++serial}`, text: 0 }));
  }

  for (const one of steps) {
    if (one.do === 'run') {
      const during = [...one.during];
      api.afterAnswer = async () => {
        for (const inner of during.shift() ?? []) await take(inner);
      };
      await mirror.run(one.mode);
      // What happens after an answer that the run no longer waits for is a part of this step, and not of the ones after it: on a
      // busy machine it changed the account between the last run of the story and the comparison with the truth.
      await api.idle();
      api.afterAnswer = () => {};
    } else {
      await take(one);
    }
    await check();
  }
  // What is still on its way arrives late.
  for (const event of pending.reverse()) await mirror.accept(event);
  await mirror.settle();
}

/** The feed, read from its beginning, ends in the rows, with one step after the other for each entity. */
export async function expectFeedToReplay(mirror: Mirror): Promise<void> {
  const changes = await mirror.query<{
    seq: string;
    collection_key: string;
    external_id: string;
    operation: string;
    before: unknown;
    previous_seq: string | null;
  }>(
    `select seq, collection_key, external_id, operation, before, previous_seq from supasaasy.changes where app_key = $1 order by seq`,
    [mirror.key],
  );
  const rows = await mirror.query<{
    collection_key: string;
    external_id: string;
    raw_payload: unknown;
    change_seq: string | null;
    deleted: boolean;
  }>(
    `select collection_key, external_id, raw_payload, change_seq, deleted_at is not null as deleted
     from supasaasy.entities where app_key = $1`,
    [mirror.key],
  );
  const name = (one: { collection_key: string; external_id: string }) => `${one.collection_key} ${one.external_id}`;
  const byEntity = new Map<string, typeof changes>();
  for (const change of changes) byEntity.set(name(change), [...(byEntity.get(name(change)) ?? []), change]);
  for (const row of rows) {
    const own = byEntity.get(name(row)) ?? [];
    byEntity.delete(name(row));
    let living = false;
    for (const [i, change] of own.entries()) {
      const where = `${name(row)}: ${own.map((one) => one.operation).join(', ')}; step ${i + 1}`;
      const after = i + 1 < own.length ? own[i + 1]?.before : row.raw_payload;
      expect(change.previous_seq, where).toBe(own[i - 1]?.seq ?? null);
      expect(living, where).toBe(change.operation !== 'create');
      if (change.operation === 'update' || change.operation === 'archive')
        expect(after, where).not.toEqual(change.before);
      living = change.operation !== 'delete';
    }
    expect(row.change_seq, name(row)).toBe(own.at(-1)?.seq ?? null);
    expect(living, `${name(row)} lives`).toBe(!row.deleted);
  }
  expect([...byEntity.keys()], 'changes of entities that are no rows').toEqual([]);
}

/** Nothing waits, nothing hangs, nothing was given up. */
export async function expectNothingOpen(mirror: Mirror, known: readonly string[] = []): Promise<void> {
  const left = await mirror.query(
    `select 'task ' || kind || ' ' || resource || ' ' || state || ' ' || coalesce(error, '') as what from supasaasy.tasks
       where app_key = $1 and (state in ('ready', 'running') or (run_id is null and state <> 'done'))
     union all select 'delivery ' || event_type || ' ' || state || ' ' || coalesce(reason, '') from supasaasy.inbox
       where app_key = $1 and state not in ('processed', 'ignored')
     union all select 'run ' || mode || ' ' || state || ' ' || coalesce(error, '') from supasaasy.runs
       where app_key = $1 and state in ('running', 'failed') and id <> all($2::uuid[])`,
    [mirror.key, known],
  );
  expect(left.map((row) => Object.values(row as object).join())).toEqual([]);
}
