import type { Run } from '../../src/engine/store.ts';
import type { TestDatabase } from '../setup/database.ts';
import { createAcmeAccount } from '../support/acme-account.ts';
import { createMirror, type Mirror } from '../support/mirror.ts';
import { faultsOf, untrueFeed } from './check.ts';
import { createChronicle } from './chronicle.ts';
import { Crash, createCrashes } from './crashes.ts';
import { FAULTS, strike } from './faults.ts';
import { createRandom, type Random } from './random.ts';
import { createWorld } from './world.ts';

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
const TOO_MANY = 'is too many';

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

/** So many short stories leave their dead rows behind before those cost more than new plans. */
const SHORT_ONES = 12;
let shortOnes = 0;

/**
 * The next story begins with empty tables. Emptied by `truncate` they are as fast as the first time, and every plan is
 * made again, which costs as much as a third of a short story: those delete, most of the time.
 */
async function forget({ query }: Mirror, short: boolean): Promise<void> {
  shortOnes = short ? shortOnes + 1 : 0;
  if (shortOnes % SHORT_ONES === 0)
    await query(`truncate ${TABLES.map((table) => `supasaasy.${table}`).join(', ')} restart identity`);
  else await query(`with ${TABLES.map((table) => `d_${table} as (delete from supasaasy.${table})`).join(', ')} select`);
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
