import type { Config } from '../config.ts';
import { AuthenticationError, ConfigError, RateLimitError } from '../errors.ts';
import type { ProviderRequest } from '../kit/resource.ts';
import { type AccountGuard, createAccountGuard } from './account-guard.ts';
import { type App, createApps, type Environment } from './app.ts';
import type { Database } from './database.ts';
import { createFeed, type Feed } from './feed/feed.ts';
import { DEFAULT_DEPLOYMENT, type DeploymentConflict, declareDeployment } from './fleet/declare.ts';
import { createFitness, type Fitness } from './fleet/fitness.ts';
import type { ProcessInfo } from './fleet/fleet.ts';
import { createKeyRecord } from './fleet/key-record.ts';
import { type Acceptor, createAcceptor } from './inbox/accept.ts';
import { type DrainOptions, drainInbox } from './inbox/drain.ts';
import { createRefusals, type Refusals } from './inbox/refusals.ts';
import { defaultPorts, type Ports } from './ports.ts';
import { type AuditRun, createProof, type Proof } from './proof.ts';
import { createStore, type Run, type RunMode, type RunOptions, type Store, type SyncMode } from './store.ts';
import { type Answer, ask } from './sync/ask.ts';
import { planAudit } from './sync/audit.ts';
import { createBudget } from './sync/budget.ts';
import { createDatabaseClock } from './sync/clock.ts';
import type { PageProgress, SyncContext, SyncSettings } from './sync/context.ts';
import { planRun } from './sync/plan.ts';
import { type WorkOptions, work } from './sync/worker.ts';
import { createTurnstile } from './turnstile.ts';

export interface EngineOptions {
  readonly config: Config;
  readonly database: Database;
  readonly env: Environment;
  readonly ports?: Partial<Ports>;
  readonly settings?: Partial<SyncSettings>;
  readonly onPage?: (progress: PageProgress) => void;
  /** The name under which it declares; null: its declarations are made elsewhere (an assembled migration). */
  readonly deployment?: string | null;
  /** Where this process runs. */
  readonly process?: ProcessInfo;
}

/** Every part on one screen. Knows no provider and no platform. */
export interface Engine {
  readonly config: Config;
  readonly deployment: string | null;
  readonly process: ProcessInfo;
  readonly apps: ReadonlyMap<string, App>;
  readonly store: Store;
  readonly proof: Proof;
  readonly feed: Feed;
  readonly ports: Ports;
  readonly context: SyncContext;
  readonly acceptor: Acceptor;
  /** Counts deliveries that were refused. */
  readonly refusals: Refusals;
  readonly accounts: AccountGuard;
  /** Which apps this process can work for. */
  readonly fitness: Fitness;
  /** The app of that key, or a `ConfigError` that lists the known ones. */
  app(key: string): App;
  /**
   * Ends the pause of an app, if there is one, once the provider accepts the key that this process has. Throws
   * `MissingSecretError`, or `AuthenticationError`: then the pause stays as it is.
   */
  wake(key: string, signal?: AbortSignal): Promise<void>;
  /** Plans a run, in one transaction, or joins the unfinished one of the same wish. Does not work it. */
  startRun(
    key: string,
    mode: RunMode,
    options?: RunOptions,
    trigger?: string,
  ): Promise<{ runId: string; resumed: boolean }>;
  /** Works tasks until there are none (or the budget ends). */
  work(options?: WorkOptions): Promise<{ tasks: number }>;
  /** Plans and works one run to its end. */
  sync(
    key: string,
    mode: SyncMode,
    options?: RunOptions & { readonly trigger?: string; readonly signal?: AbortSignal },
  ): Promise<Run>;
  /** Compares mirror and source to the end; with `repair`, mends what differs. Refuses on a paused app. */
  audit(
    key: string,
    options?: RunOptions & { readonly trigger?: string; readonly signal?: AbortSignal },
  ): Promise<AuditRun>;
  /** Works the inbox until nothing is due, and the questions that it raised. */
  drain(options?: DrainOptions): Promise<number>;
  getRun(id: string): Promise<Run | null>;
  /** Declares the configuration under the deployment's name. For what runs or installs it, not for what reads. */
  declare(): Promise<readonly DeploymentConflict[]>;
}

export function createEngine(options: EngineOptions): Engine {
  const ports = defaultPorts(options.ports);
  const store = createStore(options.database);
  const proof = createProof(options.database);
  const apps = createApps(options.config, options.env);
  const budget = createBudget(store, ports);
  const pages = createTurnstile();
  const enter = createGates();
  const accounts = createAccountGuard(store, ports);
  const fitness = createFitness(apps, ports);
  const keys = createKeyRecord(store, ports);
  const context: SyncContext = {
    store,
    proof,
    ports,
    budget,
    clock: createDatabaseClock(store, ports),
    fitness,
    keys,
    underWay: new Map(),
    settings: {
      massDeleteShare: options.config.sync.mass_delete_share,
      massDeleteFloor: options.config.sync.mass_delete_floor,
      leaseSeconds: 90,
      retryBaseMs: 1000,
      maxAttempts: 8,
      auditGraceMs: 5_000,
      readAhead: true,
      ...options.settings,
    },
    onPage(progress) {
      pages.turn();
      options.onPage?.({ ...progress, budgetUse: budget.use(progress.appKey) });
    },
    pageTurned: pages.next,
    async request(app, request, { priority }, signal) {
      // The first answer travels beside the question whose key it is; nobody sees it before that is settled.
      const [passed, answer] = await Promise.allSettled([
        accounts.pass(app, (own) => send(app, own, priority, signal)),
        send(app, request, priority, signal),
      ]);
      if (passed.status === 'rejected') throw passed.reason;
      if (answer.status === 'rejected') throw answer.reason;
      await keys.worked(app);
      return answer.value;
    },
  };

  async function send(app: App, request: ProviderRequest, priority: number, signal: AbortSignal): Promise<Answer> {
    const leave = await enter(app, priority);
    try {
      await budget.acquire(app, request, priority, signal);
      const answer = await ask(app, request, ports, signal);
      void budget.report(app, request, false).catch(() => {});
      return answer;
    } catch (error) {
      // One without a status was never sent: our own budget held it back.
      if (error instanceof RateLimitError && error.status !== undefined)
        await budget.report(app, request, true, error.retryAfterMs);
      throw error;
    } finally {
      leave();
    }
  }

  async function runToEnd(
    key: string,
    mode: RunMode,
    runOptions: RunOptions,
    trigger = 'api',
    signal?: AbortSignal,
  ): Promise<Run> {
    const { runId } = await engine.startRun(key, mode, runOptions, trigger);
    await engine.work({ filter: { run_id: runId }, ...(signal === undefined ? {} : { signal }) });
    const run = await store.getRun(runId);
    if (run === null) throw new Error(`run ${runId} vanished while it was worked`);
    return run;
  }

  const { deployment = options.config.deployment ?? DEFAULT_DEPLOYMENT } = options;
  const engine: Engine = {
    config: options.config,
    deployment,
    process: options.process ?? { host: 'unknown' },
    apps,
    store,
    proof,
    feed: createFeed({
      database: options.database,
      ports,
      consumers: options.config.consumers,
      startRun: (key, mode, runOptions) => engine.startRun(key, mode, runOptions, 'consumer'),
    }),
    ports,
    context,
    acceptor: createAcceptor(store, ports),
    refusals: createRefusals(store, ports),
    accounts,
    fitness,
    app(key) {
      const app = apps.get(key);
      if (app === undefined)
        throw new ConfigError(
          `there is no app "${key}" in supasaasy.config.ts (apps: ${[...apps.keys()].join(', ') || 'none'})`,
        );
      return app;
    },
    async wake(key, signal = new AbortController().signal) {
      const app = engine.app(key);
      app.account();
      if ((await proof.pauseReason(key)) === null) return;
      try {
        await context.request(app, app.config.connector.probe, { priority: 0 }, signal);
      } catch (error) {
        if (error instanceof AuthenticationError) throw error;
        // It says nothing about the key: the run finds out.
      }
      await store.resumeApp(key);
    },
    async startRun(key, mode, runOptions = {}, trigger = 'api') {
      const app = engine.app(key);
      app.account();
      const plan =
        mode === 'audit'
          ? planAudit(app, runOptions)
          : planRun(app, mode, runOptions, await store.syncState(key), ports.now());
      const { run_id, resumed } = await store.startRun(key, mode, trigger, runOptions, plan);
      return { runId: run_id, resumed };
    },
    work: (workOptions) => work(context, apps, workOptions),
    async sync(key, mode, { trigger, signal, ...runOptions } = {}) {
      await engine.wake(key, signal);
      return await runToEnd(key, mode, runOptions, trigger, signal);
    },
    async audit(key, { trigger, signal, ...runOptions } = {}) {
      engine.app(key).account();
      const reason = await proof.pauseReason(key);
      if (reason !== null)
        throw new AuthenticationError(
          `${key} is paused, so nothing can be compared: ${reason} When that is mended: supasaasy resume ${key}`,
        );
      return (await runToEnd(key, 'audit', runOptions, trigger, signal)) as AuditRun;
    },
    async drain(drainOptions) {
      const signal = drainOptions?.signal ?? new AbortController().signal;
      const findAccount = (app: App) => accounts.recorded(app, (own) => send(app, own, 0, signal));
      return await drainInbox(store, fitness, ports, findAccount, drainOptions);
    },
    getRun: (id) => store.getRun(id),
    async declare() {
      if (deployment === null) return [];
      return await declareDeployment(options.database, deployment, options.config, {
        host: engine.process.host,
        log: ports.log,
      });
    },
  };
  return engine;
}

/** At most the connector's number of requests of one app at a time; the others wait in line, by priority. */
function createGates(): (app: App, priority: number) => Promise<() => void> {
  const gates = new Map<string, { inside: number; line: { readonly priority: number; readonly goIn: () => void }[] }>();
  return async (app, priority) => {
    const gate = gates.get(app.key) ?? { inside: 0, line: [] };
    gates.set(app.key, gate);
    if (gate.inside >= app.config.connector.limits.concurrency(app.account()))
      await new Promise<void>((goIn) => {
        const behind = gate.line.findIndex((other) => other.priority > priority);
        gate.line.splice(behind < 0 ? gate.line.length : behind, 0, { priority, goIn });
      });
    else gate.inside += 1;
    return () => {
      const next = gate.line.shift();
      // The place is handed over, so that nobody slips in between.
      if (next === undefined) gate.inside -= 1;
      else next.goIn();
    };
  };
}
