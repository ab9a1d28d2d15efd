import { WebhookVerificationError } from '../../errors.ts';
import type { NormalizedEvent } from '../../kit/connector.ts';
import type { App } from '../app.ts';
import { excessOf } from '../json-limits.ts';
import type { Ports } from '../ports.ts';
import { isBadData } from '../sql-errors.ts';
import type { AcceptedDelivery, Store } from '../store.ts';
import { judgeBySettings } from './judge-account.ts';

/** Verifies a delivery and makes it durable. Resolves only when the row is committed (I4). */
export interface Acceptor {
  /** Throws `WebhookVerificationError`, or what the database says. Nothing was acknowledged then. */
  accept(app: App, body: Uint8Array, headers: Headers): Promise<{ eventId: string; state: AcceptedDelivery['state'] }>;
}

interface Waiting {
  readonly delivery: AcceptedDelivery;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Deliveries that arrive while a commit is under way share the next one: under load one commit carries many, and a
 * single delivery waits for nobody.
 */
export function createAcceptor(store: Store, ports: Ports): Acceptor {
  const waiting: Waiting[] = [];
  let committing = false;

  async function commit(): Promise<void> {
    if (committing) return;
    committing = true;
    while (waiting.length > 0) {
      const batch = waiting.splice(0, 500);
      try {
        await store.acceptDeliveries(batch.map((w) => w.delivery));
        for (const w of batch) w.resolve();
      } catch (error) {
        // One that the database cannot hold must not cost the others their place: each alone, then.
        if (batch.length > 1 && isBadData(error)) await Promise.all(batch.map(commitAlone));
        else for (const w of batch) w.reject(error);
      }
    }
    committing = false;
  }

  async function commitAlone(one: Waiting): Promise<void> {
    try {
      await store.acceptDeliveries([one.delivery]);
      one.resolve();
    } catch (error) {
      one.reject(error);
    }
  }

  return {
    async accept(app, body, headers) {
      const { webhook } = app.config.connector;
      const verification = await webhook.verify({ body, headers }, app.webhookSecrets(), ports.now());
      if (!verification.ok)
        throw new WebhookVerificationError(`${app.key}: ${verification.reason}`, verification.refusal);
      const delivery = await readDelivery(app, new TextDecoder().decode(body), body);
      await new Promise<void>((resolve, reject) => {
        waiting.push({ delivery, resolve, reject });
        void commit();
      });
      return { eventId: delivery.event_id, state: delivery.state };
    },
  };
}

/** What the inbox keeps. A verified body that cannot be read is kept too, where a person sees it. */
async function readDelivery(app: App, text: string, bytes: Uint8Array): Promise<AcceptedDelivery> {
  const body = storable(text);
  const excess = excessOf(bytes);
  if (excess !== undefined) return await keepUnreadable(app, body, bytes, `verified, but cannot be stored: ${excess}`);
  try {
    const event = app.config.connector.webhook.parse(body);
    const judged = judgeBySettings(app, event);
    return await keepEvent(app, event, body, judged.verdict === 'foreign' ? judged.reason : reasonToIgnore(app, event));
  } catch (error) {
    return await keepUnreadable(app, body, bytes, `verified, but cannot be read: ${(error as Error).message}`);
  }
}

/** What is of the provider and nobody can read: a dead letter of the inbox, to be replayed once it can be. */
export async function keepUnreadable(
  app: App,
  text: string,
  bytes: Uint8Array,
  reason: string,
): Promise<AcceptedDelivery> {
  return {
    app_key: app.key,
    event_id: await digestOf(bytes),
    event_type: 'unreadable',
    occurred_at: null,
    body: storable(text),
    state: 'dead',
    reason: storable(reason),
  };
}

/** Text that a column with an index can hold: not too long, no U+0000, no half of a surrogate pair. */
function isPlain(text: string): boolean {
  return text.length <= 500 && text === storable(text);
}

function storable(text: string): string {
  return text.replaceAll('\u0000', '\uFFFD').replace(/\p{Surrogate}/gu, '\uFFFD');
}

async function digestOf(bytes: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  return `sha256:${[...new Uint8Array(digest)].map((b) => b.toString(16).padStart(2, '0')).join('')}`;
}

/** Why an event about the mirrored account changes nothing here, or undefined when it does. */
export function reasonToIgnore(app: App, event: NormalizedEvent): string | undefined {
  if (event.operations.length === 0)
    return storable(event.ignored ?? `"${event.providerType}" says nothing about a mirrored object`);
  if (!event.operations.some((operation) => app.config.resources.includes(operation.resource))) {
    return `about ${event.operations.map((o) => o.resource).join(', ')}, which this app does not sync`;
  }
  return undefined;
}

/** One delivery or entry of a log in the terms of the inbox; with a reason, it is kept and changes nothing. */
export async function keepEvent(
  app: App,
  event: NormalizedEvent,
  body: string,
  reason: string | undefined,
): Promise<AcceptedDelivery> {
  return {
    app_key: app.key,
    // In the terms of PostgreSQL: no delivery may spoil the commit that it shares with others.
    event_id: isPlain(event.id) ? event.id : await digestOf(new TextEncoder().encode(event.id)),
    event_type: isPlain(event.providerType) ? event.providerType : 'unreadable',
    occurred_at: new Date(event.occurredAt).toISOString(),
    body,
    state: reason === undefined ? 'ready' : 'ignored',
    reason: reason === undefined ? null : storable(reason),
  };
}
