import type { AcceptedDelivery, Run } from '../../src/engine/store.ts';
import type { TestDatabase } from '../setup/database.ts';
import { type AcmeEvent, createAcmeAccount } from '../support/acme-account.ts';
import { createMirror, type Mirror } from '../support/mirror.ts';
import { faultsOf, untrueFeed } from './check.ts';
import { createChronicle } from './chronicle.ts';
import { Crash, createCrashes } from './crashes.ts';
import { FAULTS, strike } from './faults.ts';
import { createRandom, type Random } from './random.ts';

export interface StoryOptions {
  readonly seed: number;
  /** How many things happen; or which. */
  readonly steps?: number | readonly StoryStep[];
  /** How many there are at first. */
  readonly objects?: number;
  readonly resources?: readonly string[];
  /** `acme_large` has pages of 100. */
  readonly connector?: string;
  /** How many changes and deliveries come at one time. */
  readonly burst?: number;
  /** Share of the requests that fail. */
  readonly faultRate?: number;
  /** Ends the process at a boundary; told its name and its number from the story's beginning. */
  readonly crashAt?: (boundary: string, number: number, random: Random) => boolean;
  /** Tasks at one time. With one, a seed has one course to the last call; parallel ranges need several. */
  readonly slots?: number;
}

/** To look at the tables of a story that ended badly, before they are emptied. */
export type Look = (mirror: Mirror, wrong: readonly string[]) => Promise<void>;

export type StoryStep = 'change' | 'deliver' | 'incremental' | 'full' | 'audit';

export interface StoryResult {
  readonly seed: number;
  readonly boundaries: number;
  readonly crashes: number;
  /** Requests that failed, and deliveries that were lost, late, doubled or out of order. */
  readonly faults: number;
  readonly deliveryFaults: number;
  readonly requests: number;
  /** Rows that differ from the truth, contradictions of the feed, what is stuck. */
  readonly wrong: readonly string[];
}

const RESOURCES = ['thing', 'part', 'note', 'tag'];
const KINDS = ['thing', 'note'] as const;
type Kind = (typeof KINDS)[number];
const TOO_MANY = 'is too many';
/** So many of a kind are enough: then one changes where one would be born. */
const CROWD = 25;

/** One story from a seed: what happens at the provider, on the way and to the processes; then peace, and the judgement. */
export async function simulate(db: TestDatabase, options: StoryOptions, look?: Look): Promise<StoryResult> {
  const { seed, steps = 30, objects = 12, resources = RESOURCES, burst = 1, faultRate = 0, slots = 3 } = options;
  const random = createRandom(seed);
  const dice = createRandom(seed ^ 0x5bd1e995);
  const account = createAcmeAccount();
  const chronicle = createChronicle(account);
  let peace = false;
  let faults = 0;
  const crashes = createCrashes({
    alone: slots === 1,
    decide: (boundary, number) => !peace && (options.crashAt?.(boundary, number, dice) ?? false),
  });
  const wrong: string[] = [];
  const mirror = createMirror(db, {
    account,
    key: `sim_${seed}`,
    resources,
    ...(options.connector === undefined ? {} : { connector: options.connector }),
    wrap: crashes.wrap,
    slots,
    // Two things at one time have no order of their own.
    settings: { maxAttempts: 1_000_000, auditGraceMs: 0, readAhead: slots > 1 },
    ports: {
      fetch: crashes.wrapFetch((input, init) => mirror.api.fetch(input, init)),
      random: random.next,
      monotonic: crashes.monotonic,
      // Nobody waits: when somebody would, the time passes.
      sleep: async () => await passTime(mirror),
    },
  });
  const world = createWorld(mirror, random, burst, chronicle.record);

  const { fetch: plain } = mirror.api;
  Object.assign(mirror.api, {
    async fetch(input: string | URL | Request, init?: RequestInit) {
      const fault = peace || !dice.chance(faultRate) ? undefined : dice.pick(FAULTS);
      if (fault === undefined) return await plain(input, init);
      faults += 1;
      return await strike(fault, () => plain(input, init), dice);
    },
  });
  // The world goes on between a question, its answer and the arrival of that.
  mirror.api.afterAnswer = async () => {
    while (!peace && random.chance(0.3)) world.change();
    if (!peace && random.chance(0.15)) await world.deliver((work) => work());
  };

  /** Does it until it was done by a process that lived through it. */
  async function insist<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      const { generation } = crashes;
      try {
        const result = await work();
        if (generation === crashes.generation) return result;
      } catch (error) {
        if (!(error instanceof Crash) && generation === crashes.generation) throw error;
      }
      // A lease outlives whatever its owner had begun.
      await crashes.idle();
      mirror.restart();
      await mirror.expireLeases();
    }
  }

  for (let i = 0; i < objects; i += 1) world.create(random.chance(0.7) ? 'thing' : 'note');
  for (const step of typeof steps === 'number' ? Array.from({ length: steps }, () => chooseStep(random)) : steps) {
    if (step === 'change') world.change();
    else if (step === 'deliver') await world.deliver(insist);
    else if (step === 'audit') await insist(() => mirror.run('audit', { repair: true }));
    else await insist(() => mirror.run(step, step === 'full' ? { allow_mass_delete: true } : {}));
    if (step === 'change') continue;
    world.look();
    if (slots === 1 && (burst === 1 || step !== 'deliver')) wrong.push(...(await untrueFeed(mirror, chronicle)));
    if (wrong.length > 0) break;
  }

  peace = true;
  await crashes.idle();
  mirror.restart();
  await mirror.expireLeases();
  const completed = async (work: Promise<Run>) => {
    const run = await work;
    if (run.state !== 'completed') wrong.push(`the last ${run.mode} run ${run.state}: ${run.error}`);
  };
  await world.deliverRest();
  account.tick(2);
  await mirror.settle();
  await completed(mirror.run('incremental'));
  await mirror.settle();
  // Before any pass: no update is lost that a log or a change time tells of, and no deletion that the log tells of.
  for (const kind of resources.filter((one) => one !== 'tag')) {
    const lost = (await differences(mirror, kind)).filter((one) => kind !== 'note' || !one.endsWith(TOO_MANY));
    wrong.push(...lost.map((one) => `after the incremental run, ${one}`));
  }
  await completed(mirror.run('full', { allow_mass_delete: true }));
  await mirror.settle();
  for (const kind of resources) wrong.push(...(await differences(mirror, kind)));
  wrong.push(...(await faultsOf(mirror, chronicle)));
  const [certificates] = await db.query<{ n: number }>(
    `select count(*)::int as n from supasaasy.certificates where app_key = $1 and not holds`,
    [mirror.key],
  );
  if (certificates?.n !== 0) wrong.push(`${certificates?.n} certificates do not hold`);
  await crashes.idle();
  if (wrong.length > 0) await look?.(mirror, wrong);
  await forget(mirror, objects < 5);
  return {
    seed,
    boundaries: crashes.boundaries,
    crashes: crashes.crashes,
    faults: faults + world.faults(),
    deliveryFaults: world.faults(),
    requests: mirror.api.requests.length,
    wrong,
  };
}

function chooseStep(random: Random): StoryStep {
  const roll = random.next();
  if (roll < 0.5) return 'change';
  if (roll < 0.8) return 'deliver';
  return roll < 0.9 ? 'incremental' : roll < 0.97 ? 'full' : 'audit';
}

const TABLES = [
  ...[
    'changes',
    'entities',
    'pass_missing',
    'pass_pages',
    'tasks',
    'passes',
    'runs',
    'sync_state',
    'inbox',
    'quarantine',
  ],
  ...['rate_budgets', 'audit_findings', 'certificates', 'apps'],
];

/**
 * The next story begins with empty tables. Emptied by `truncate` they are as fast as the first time, and every plan is
 * made again, which costs as much as a short story: those only delete.
 */
async function forget({ query }: Mirror, short: boolean): Promise<void> {
  if (!short) await query(`truncate ${TABLES.map((table) => `supasaasy.${table}`).join(', ')} restart identity`);
  else await query(`with ${TABLES.map((table) => `d_${table} as (delete from supasaasy.${table})`).join(', ')} select`);
}

/** The account changes; its events are on their way for a while, and some get lost. */
function createWorld(mirror: Mirror, random: Random, burst: number, record: (kind: string, id: string) => void) {
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

/** What is due later is due now; nobody's rate is used up. Leases of the living stay. */
async function passTime({ query, key }: Mirror): Promise<void> {
  await query(
    `update supasaasy.tasks set not_before = clock_timestamp() where app_key = $1 and state = 'ready' and not_before > clock_timestamp()`,
    [key],
  );
  await query(
    `update supasaasy.rate_budgets set blocked_until = null, tokens = burst, rate = ceiling where app_key = $1`,
    [key],
  );
}

async function differences(mirror: Mirror, kind: string): Promise<string[]> {
  const truth = mirror.account.truth(kind);
  const held = await mirror.held(kind);
  const wrong: string[] = [];
  const flat = (value: unknown) => JSON.stringify(value, Object.keys(flatKeys(value)).sort());
  for (const [id, object] of truth) {
    const ours = held.get(id);
    if (ours === undefined) wrong.push(`${kind} ${id} is missing`);
    else if (flat(ours) !== flat(object)) wrong.push(`${kind} ${id} is ${flat(ours)}, not ${flat(object)}`);
  }
  for (const id of held.keys()) if (!truth.has(id)) wrong.push(`${kind} ${id} ${TOO_MANY}`);
  return wrong;
}

/** All keys at any depth: with them, JSON.stringify orders the whole value. */
function flatKeys(value: unknown, into: Record<string, true> = {}): Record<string, true> {
  if (Array.isArray(value)) for (const item of value) flatKeys(item, into);
  else if (value !== null && typeof value === 'object') {
    for (const [key, inner] of Object.entries(value)) {
      into[key] = true;
      flatKeys(inner, into);
    }
  }
  return into;
}
