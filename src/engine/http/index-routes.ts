import type { Hono } from 'hono';
import { answerJson } from './answer-json.ts';
import { only } from './only.ts';

/** What a person finds at the other end of the printed address. A route that this host does not have is left out. */
const ENDPOINTS = [
  ['POST', '/webhook/:app_key', 'a provider delivers here; the signature is checked first'],
  ['GET', '/health', 'whether the database answers, and work is done; ?strict=true makes degraded 503'],
  ['GET', '/health/config', 'whether every secret is set; the admin is told which one is not'],
  ['POST', '/sync', 'begins a run: {"app_key", "mode", "resources", "immediate", …}', 'admin'],
  ['GET', '/runs/:id', 'how a run goes', 'admin'],
  ['POST', '/worker', 'works what is due, for one slice of time', 'admin'],
  ['GET', '/status', 'apps, runs, watermarks, inbox, quarantine', 'admin'],
  ['POST', '/query', 'one read-only SQL statement about the mirror: {"sql"}', 'admin'],
  ['GET', '/consumers', 'the readers of the change feed, and /consumers/:name/recv|ack|… to be one', 'admin'],
  ['POST', '/topics/:name', 'publishes messages to consumers', 'admin'],
  ['GET', '/metrics', 'of the consumers, for Prometheus', 'admin'],
] as const;

const WHAT = 'Supasaasy mirrors SaaS accounts into Postgres and keeps the mirror live.';
const ADMIN = 'admin: Authorization: Bearer <the value of SUPASAASY_ADMIN_KEY>';

/** `GET /`: what this is and which endpoints it has, as JSON to who asks for JSON, else as text. Names no app. */
export function indexRoutes(app: Hono): void {
  app.get('/', (c) => {
    const endpoints = ENDPOINTS.filter(([method, path]) => hasRoute(app, method, path));
    if (c.req.header('accept')?.includes('application/json') === true)
      return answerJson(c, {
        name: 'supasaasy',
        description: WHAT,
        endpoints: endpoints.map(([method, path, purpose, access = 'anyone']) => ({ method, path, purpose, access })),
      });
    const lines = endpoints.map(
      ([method, path, purpose, access]) =>
        `  ${method.padEnd(4)}  ${path.padEnd(17)}  ${purpose}${access === undefined ? '' : ' (admin)'}`,
    );
    return c.text(`${WHAT}\n\n${lines.join('\n')}\n\n${ADMIN}\n`);
  });
  app.all('/', only('GET', 'HEAD'));
}

/** A delivery's route answers handshakes too: it is mounted for every method. */
function hasRoute({ routes }: Hono, method: string, path: string): boolean {
  return routes.some((route) => route.path === path && (route.method === method || route.method === 'ALL'));
}
