import { createHmac } from 'node:crypto';
import type { SandboxDelivery } from '../http/provider.ts';
import { type EventLog, eventText, type LoggedEvent } from './event-log.ts';
import type { StripeObject } from './resource.ts';
import type { WebhookEndpoints } from './webhook-endpoints.ts';

export interface AnnouncerOptions {
  readonly events: EventLog;
  readonly endpoints: WebhookEndpoints;
  /** Signs what is sent to the receiver set by control; several: rotation. */
  readonly secrets: () => readonly string[];
  readonly apiVersion: () => string;
  /** Connected account that events carry, if any. */
  readonly account: () => string | undefined;
  readonly livemode: () => boolean;
}

/** The request that caused a change, as events name it. */
export interface Cause {
  readonly requestId: string | null;
  readonly idempotencyKey: string | null;
}

export interface Announcer {
  /** Logs an event and queues its deliveries. */
  announce(type: string, object: StripeObject, previous?: Readonly<Record<string, unknown>>): LoggedEvent;
  take(): readonly SandboxDelivery[];
  causedBy(cause: Cause): void;
}

const NO_CAUSE: Cause = { requestId: null, idempotencyKey: null };

export function createAnnouncer(options: AnnouncerOptions): Announcer {
  let queued: SandboxDelivery[] = [];
  let cause = NO_CAUSE;

  function delivery(
    event: LoggedEvent,
    apiVersion: string,
    secrets: () => readonly string[],
    receiver: string,
    url?: string,
  ): SandboxDelivery {
    event.owed.add(receiver);
    const body = eventText(event, apiVersion);
    event.owed.delete(receiver);
    if (url !== undefined) event.owed.add(receiver);
    return {
      id: event.id,
      ...(url !== undefined && { url }),
      body,
      sign: (signed, atMs) => ({ 'stripe-signature': signature(signed, Math.floor(atMs / 1000), secrets()) }),
      settled(accepted) {
        if (accepted) event.owed.delete(receiver);
        else event.owed.add(receiver);
      },
    };
  }

  return {
    announce(type, object, previous) {
      const event = options.events.append({
        type,
        object: JSON.stringify(object),
        previous: previous && JSON.stringify(previous),
        account: options.account(),
        livemode: options.livemode(),
        ...cause,
        apiVersion: options.apiVersion(),
      });
      queued.push(delivery(event, event.apiVersion, options.secrets, 'control'));
      for (const endpoint of options.endpoints.listeningTo(type)) {
        queued.push(
          delivery(event, endpoint.apiVersion ?? event.apiVersion, () => [endpoint.secret], endpoint.id, endpoint.url),
        );
      }
      return event;
    },
    take() {
      const taken = queued;
      queued = [];
      return taken;
    },
    causedBy(next) {
      cause = next;
    },
  };
}

/** https://docs.stripe.com/webhooks#verify-manually */
export function signature(body: string, seconds: number, secrets: readonly string[]): string {
  const marks = secrets.map(
    (secret) => `v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`,
  );
  return [`t=${seconds}`, ...marks].join(',');
}
