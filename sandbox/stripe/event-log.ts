import { hashText } from '../http/random.ts';
import { createIdCodec } from './ids.ts';
import { downgrade, isOlder } from './versions.ts';

/** An event as Stripe keeps it: a snapshot of the object at that moment. */
export interface LoggedEvent {
  readonly id: string;
  readonly created: number;
  readonly type: string;
  /** Latest shape; older ones are derived when asked. */
  readonly object: string;
  readonly previous: string | undefined;
  readonly account: string | undefined;
  readonly livemode: boolean;
  readonly requestId: string | null;
  readonly idempotencyKey: string | null;
  readonly apiVersion: string;
  /** Receivers that have not accepted it. */
  readonly owed: Set<string>;
}

export type NewEvent = Pick<
  LoggedEvent,
  'type' | 'object' | 'previous' | 'account' | 'livemode' | 'requestId' | 'idempotencyKey' | 'apiVersion'
>;

export interface EventLog {
  append(event: NewEvent): LoggedEvent;
  /** Kept events, newest first; inside one second not in the order of what happened. */
  newestFirst(): readonly LoggedEvent[];
  find(id: string): LoggedEvent | undefined;
  readonly size: number;
  clear(): void;
}

export interface EventLogOptions {
  readonly seed: number;
  readonly nowMs: () => number;
  readonly retentionDays: number;
  /** An event is listed so long after it happened (Stripe's list is eventually consistent). */
  readonly lagMs: () => number;
}

export function createEventLog(options: EventLogOptions): EventLog {
  const codec = createIdCodec('evt_', options.seed ^ 0x45564e54);
  let events: LoggedEvent[] = [];
  let counter = 0;
  const byId = new Map<string, LoggedEvent>();
  const sortKey = (id: string) => hashText(options.seed, id);

  function prune(): void {
    const oldest = Math.floor(options.nowMs() / 1000) - options.retentionDays * 86_400;
    let gone = 0;
    while (gone < events.length && (events[gone] as LoggedEvent).created < oldest)
      byId.delete((events[gone++] as LoggedEvent).id);
    if (gone > 0) events = events.slice(gone);
  }

  return {
    append(fields) {
      if (counter % 1024 === 0) prune();
      const event: LoggedEvent = {
        ...fields,
        id: codec.of(counter++),
        created: Math.floor(options.nowMs() / 1000),
        owed: new Set(),
      };
      let at = events.length;
      const key = sortKey(event.id);
      while (at > 0) {
        const before = events[at - 1] as LoggedEvent;
        if (before.created < event.created || (before.created === event.created && sortKey(before.id) <= key)) break;
        at--;
      }
      events.splice(at, 0, event);
      byId.set(event.id, event);
      return event;
    },
    newestFirst() {
      prune();
      const visibleUntil = Math.floor((options.nowMs() - options.lagMs()) / 1000);
      const visible = options.lagMs() > 0 ? events.filter((event) => event.created <= visibleUntil) : events;
      return visible.toReversed();
    },
    find(id) {
      prune();
      return byId.get(id);
    },
    get size() {
      return events.length;
    },
    clear() {
      events = [];
      byId.clear();
      counter = 0;
    },
  };
}

/** The event as JSON; `apiVersion` is the account's for the list, the endpoint's for a webhook. */
export function eventText(event: LoggedEvent, apiVersion = event.apiVersion): string {
  const show = (text: string) => (isOlder(apiVersion) ? JSON.stringify(downgrade(JSON.parse(text), apiVersion)) : text);
  const account = event.account === undefined ? '' : `"account":${JSON.stringify(event.account)},`;
  const previous = event.previous === undefined ? '' : `,"previous_attributes":${show(event.previous)}`;
  const request = JSON.stringify({ id: event.requestId, idempotency_key: event.idempotencyKey });
  return (
    `{"id":"${event.id}","object":"event",${account}"api_version":"${apiVersion}","created":${event.created},` +
    `"data":{"object":${show(event.object)}${previous}},"livemode":${event.livemode},"pending_webhooks":${event.owed.size},"request":${request},"type":"${event.type}"}`
  );
}
