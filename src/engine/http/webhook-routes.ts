import { Hono } from 'hono';
import { APP_KEY } from '../../config.ts';
import { WebhookVerificationError } from '../../errors.ts';
import type { Engine } from '../engine.ts';
import type { RefusalReason } from '../inbox/refusals.ts';
import { answerJson } from './answer-json.ts';
import { createBodyGate } from './body-gate.ts';
import { HttpError } from './http-error.ts';
import { only } from './only.ts';
import type { HttpOptions } from './options.ts';
import { createOthersCheck } from './others-secret.ts';

const REFUSALS_LOGGED_EVERY_MS = 10_000;

/**
 * `POST /webhook/:app_key`: raw bytes in, verified, committed, 200. Nothing is written before the signature fits, and
 * nothing is acknowledged before it is durable (I4, I7).
 */
export function webhookRoutes(engine: Engine, options: HttpOptions): Hono {
  const routes = new Hono();
  const refused = createRefusalLog(engine);
  const withBody = createBodyGate(engine.ports, options);
  const isOthers = createOthersCheck(engine);
  routes.all('/webhook/:app_key', async (c) => {
    const key = c.req.param('app_key');
    if (!APP_KEY.test(key)) throw new HttpError(400, 'app_key_invalid', `an app_key matches ${APP_KEY.source}`);
    const app = engine.apps.get(key);
    if (app === undefined) throw new HttpError(404, 'app_unknown', `there is no app "${key}"`);
    const { handshakeMethods = [] } = app.config.connector.webhook;
    if (handshakeMethods.includes(c.req.method)) return c.body(null, 200);
    if (c.req.method !== 'POST') return only('POST', ...handshakeMethods)(c, async () => {});
    const count = (reason: RefusalReason) => {
      const written = engine.refusals.count(key, reason);
      options.keep?.(written);
    };
    if (app.webhookSecrets().length === 0) {
      count('no_secret');
      engine.ports.log(
        'error',
        `${key}: a delivery cannot be verified: set ${app.config.webhookSecretEnvs.join(' or ')}`,
      );
      throw new HttpError(503, 'not_ready', 'this endpoint is not ready; deliver again later', { 'Retry-After': '60' });
    }
    const { headers } = c.req.raw;
    let others = false;
    try {
      // Before a byte of the body is read.
      const seen = app.config.connector.webhook.verifyHeaders?.(headers, engine.ports.now());
      if (seen?.ok === false) throw new WebhookVerificationError(`${app.key}: ${seen.reason}`, seen.refusal);
      const { eventId, state } = await withBody(c.req.raw, async (body) => {
        try {
          return await engine.acceptor.accept(app, body, headers);
        } catch (error) {
          if (error instanceof WebhookVerificationError && error.refusal === 'mismatch')
            others = await isOthers(app, body, headers);
          throw error;
        }
      });
      options.ring?.('delivery');
      return answerJson(c, { received: true, event_id: eventId, state });
    } catch (error) {
      if (error instanceof HttpError && error.status === 413) count('too_large');
      if (error instanceof WebhookVerificationError) {
        refused(error.message);
        count(others ? 'other_app' : error.refusal);
      }
      throw error;
    }
  });
  return routes;
}

/** A wrong secret shows in the log; a flood of forged deliveries does not drown it. */
function createRefusalLog(engine: Engine): (reason: string) => void {
  let quietUntil = 0;
  let unsaid = 0;
  return (reason) => {
    const now = engine.ports.monotonic();
    if (now < quietUntil) {
      unsaid += 1;
      return;
    }
    engine.ports.log('warn', `delivery refused: ${reason}${unsaid > 0 ? ` (and ${unsaid} more before it)` : ''}`);
    quietUntil = now + REFUSALS_LOGGED_EVERY_MS;
    unsaid = 0;
  };
}
