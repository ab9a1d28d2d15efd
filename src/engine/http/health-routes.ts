import { Hono } from 'hono';
import type { Engine } from '../engine.ts';
import { type FleetProblem, fleetProblems } from '../fleet/problems.ts';
import { isAdmin } from './admin.ts';
import { answerJson } from './answer-json.ts';
import { only } from './only.ts';
import type { HttpOptions } from './options.ts';

/**
 * `GET /health`: 503 when the database does not answer. 200 with `degraded` when work waits that no process takes, a
 * schedule is overdue, or deliveries are late: taking this process out of rotation would not help. `?strict=true` makes that
 * 503 too, for monitors. What the problems are is for the admin, others see how many. `GET /health/config`: is every secret there; which of them is missing is
 * told to the admin only, by name, never by value.
 */
export function healthRoutes(engine: Engine, options: HttpOptions): Hono {
  const routes = new Hono();

  const look = createFleetLook(engine);
  routes.get('/health', async (c) => {
    const problems = await look();
    const status = problems.length === 0 ? 'ok' : 'degraded';
    const shown = (await isAdmin(c.req.raw.headers, options.adminKeys())) ? problems : problems.length;
    const body = { status, database: 'ok', ...(status === 'ok' ? {} : { problems: shown }) };
    return answerJson(c, body, status === 'degraded' && c.req.query('strict') === 'true' ? 503 : 200);
  });
  routes.all('/health', only('GET', 'HEAD'));

  routes.get('/health/config', async (c) => {
    const apps = [...engine.apps.values()].map((app) => ({
      app_key: app.key,
      connector: app.config.connector.metadata.name,
      missing: app.missingSecrets(),
    }));
    const status = apps.every((app) => app.missing.length === 0) ? 'ok' : 'incomplete';
    const told = (await isAdmin(c.req.raw.headers, options.adminKeys())) ? { status, apps } : { status };
    return answerJson(c, told, status === 'ok' ? 200 : 503);
  });
  routes.all('/health/config', only('GET', 'HEAD'));
  return routes;
}

/** Anyone may ask: the database is asked at most once in five seconds. */
const LOOK_EVERY_MS = 5_000;

function createFleetLook({ store, ports }: Engine): () => Promise<readonly FleetProblem[]> {
  let seen: { readonly until: number; readonly problems: Promise<readonly FleetProblem[]> } | undefined;
  return async () => {
    const now = ports.monotonic();
    if (seen !== undefined && now < seen.until) return await seen.problems;
    const problems = store
      .getFleet()
      // Anyone can send a delivery that is refused.
      .then((fleet) => fleetProblems(fleet).filter(({ code }) => code !== 'deliveries_refused'));
    const looked = { until: now + LOOK_EVERY_MS, problems };
    seen = looked;
    problems.catch(() => {
      if (seen === looked) seen = undefined;
    });
    return await problems;
  };
}
