import { API_VERSION } from '../../../connectors/stripe/metadata.ts';

export interface EventParts {
  readonly type: string;
  readonly object: Readonly<Record<string, unknown>>;
  readonly previous?: Readonly<Record<string, unknown>>;
  readonly apiVersion?: string | null;
  readonly account?: string;
  readonly id?: string;
  readonly created?: number;
}

/** A snapshot event as Stripe sends it. */
export function snapshotEvent({ type, object, previous, apiVersion, account, id, created }: EventParts): string {
  return JSON.stringify({
    id: id ?? 'evt_1',
    object: 'event',
    ...(account === undefined ? {} : { account }),
    api_version: apiVersion === undefined ? API_VERSION : apiVersion,
    created: created ?? 1_780_000_000,
    data: { object, ...(previous === undefined ? {} : { previous_attributes: previous }) },
    livemode: false,
    pending_webhooks: 1,
    request: { id: null, idempotency_key: null },
    type,
  });
}

/** A thin event as an event destination sends it. */
export function thinEvent(
  type: string,
  related: { id: string; type: string } | null,
  context: string | null = null,
): string {
  return JSON.stringify({
    id: 'evt_test_thin',
    object: 'v2.core.event',
    type,
    created: '2026-05-28T20:26:40.123Z',
    livemode: false,
    context,
    related_object: related === null ? null : { ...related, url: `/v1/things/${related.id}` },
  });
}
