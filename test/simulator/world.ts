import type { AcceptedDelivery } from '../../src/engine/store.ts';
import type { AcmeEvent } from '../support/acme-account.ts';
import type { Mirror } from '../support/mirror.ts';
import type { Random } from './random.ts';

type Kind = 'thing' | 'note';
/** So many of a kind are enough: then one changes where one would be born. */
const CROWD = 25;

/** The account changes; its events are on their way for a while, and some get lost. */
export function createWorld(mirror: Mirror, random: Random, burst: number, record: (kind: string, id: string) => void) {
  const { account } = mirror;
  /** On their way; `late` when the engine has looked at the account since. */
  const pending: { readonly event: AcmeEvent; late: boolean; sent: boolean }[] = [];
  let faults = 0;
  const dead: { kind: Kind; id: string; bornAt: number }[] = [];
  let serial = 0;
  let heard = 0;

  const state = () => ({ rev: ++serial, active: !random.chance(0.1) });
  const parts = (count: number) =>
    Array.from({ length: count }, () => ({ id: `part_${mirror.key}_${++serial}`, text: serial }));

  function happened(): void {
    for (const event of account.log.slice(heard)) {
      const [kind = ''] = event.type.split('.');
      record(kind, JSON.parse(event.body).object.id);
      if (random.chance(0.25)) faults += 1;
      else pending.push({ event, late: false, sent: false });
    }
    heard = account.log.length;
  }

  const world = {
    create(kind: Kind): void {
      account.create(kind, kind === 'note' ? state() : { ...state(), parts: parts(random.int(6)) });
      happened();
    },
    faults: () => faults,
    look(): void {
      for (const one of pending) one.late = true;
    },
    change(): void {
      for (let i = 0; i < burst; i += 1) world.changeOnce();
    },
    changeOnce(): void {
      const kind: Kind = random.chance(0.7) ? 'thing' : 'note';
      const id = random.pick(account.ids(kind));
      const roll = random.next();
      if (roll < 0.25) account.tick(1 + random.int(3));
      else if (id === undefined || (roll < 0.4 && account.ids(kind).length < CROWD)) world.create(kind);
      else if (roll < 0.75) account.update(kind, id, state());
      else if (roll < 0.85 && kind === 'thing') {
        const known = (account.get('thing', id)?.['parts'] ?? []) as { id: string; text: number }[];
        const kept = known
          .filter(() => !random.chance(0.2))
          .map((part) => (random.chance(0.2) ? { ...part, text: ++serial } : part));
        account.update('thing', id, { ...state(), parts: [...parts(random.int(3)), ...kept] });
      } else if (roll < 0.95) {
        account.remove(kind, id);
        dead.push({ kind, id, bornAt: account.now() });
      } else {
        const one = random.pick(dead);
        if (one === undefined || account.get(one.kind, one.id) !== undefined) return;
        // A provider gives an id again in a later second, if ever.
        account.tick();
        account.create(one.kind, { id: one.id, ...state(), ...(one.kind === 'thing' ? { parts: parts(2) } : {}) });
      }
      happened();
    },
    /** One delivery or a few, in any order, perhaps again later. */
    async deliver(insist: <T>(work: () => Promise<T>) => Promise<T>): Promise<void> {
      const sent: AcmeEvent[] = [];
      for (let count = 1 + random.int(3 * burst); count > 0 && pending.length > 0; count -= 1) {
        const at = random.chance(0.5) ? 0 : random.int(pending.length);
        const one = pending[at];
        if (one === undefined) continue;
        sent.push(one.event);
        if (at > 0 || one.late || one.sent) faults += 1;
        one.sent = true;
        // Not acknowledged: sent again. Acknowledged: sometimes, too.
        if (!random.chance(burst > 1 ? 0.6 : 0.2)) pending.splice(at, 1);
      }
      if (burst === 1) for (const event of sent) await insist(() => mirror.accept(event));
      // Whatever arrives while a commit is under way is committed by one call.
      else await insist(() => mirror.engine.store.acceptDeliveries(sent.map((event) => inboxRow(mirror.key, event))));
      await insist(() => mirror.engine.drain({ retryBaseMs: 0 }));
    },
    async deliverRest(): Promise<void> {
      for (const { event } of pending.reverse()) await mirror.accept(event);
      faults += pending.length;
      pending.length = 0;
    },
  };
  return world;
}

function inboxRow(app_key: string, { id, type, created, body }: AcmeEvent): AcceptedDelivery {
  const occurred_at = new Date(created * 1000).toISOString();
  return { app_key, event_id: id, event_type: type, occurred_at, body, state: 'ready', reason: null };
}
