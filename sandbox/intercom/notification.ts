import { createHmac } from 'node:crypto';
import type { SandboxDelivery } from '../http/provider.ts';
import { hash32, hex } from './state/hash.ts';
import { SALT, type World } from './state/world.ts';

/** Something that the provider tells about: a topic and what its `data.item` holds. */
export interface Notice {
  readonly topic: string;
  readonly item: unknown;
}

export interface Notifier {
  deliveries(notices: readonly Notice[]): SandboxDelivery[];
}

/** https://developers.intercom.com/docs/references/webhooks/webhook-models and, for the signature, /docs/webhooks/webhook-notifications */
export function createNotifier(world: World, clientSecret: string): Notifier {
  let sent = 0;
  return {
    deliveries: (notices) =>
      notices.map(({ topic, item }) => {
        sent += 1;
        const id = `notif_${hex(hash32(world.seed, SALT.notification, sent), 8)}-${hex(sent, 8)}`;
        const at = world.nowSecond();
        const body = JSON.stringify({
          type: 'notification_event',
          app_id: world.appId,
          data: { type: 'notification_event_data', item },
          links: {},
          id,
          topic,
          delivery_status: 'pending',
          delivery_attempts: 1,
          delivered_at: 0,
          first_sent_at: at,
          created_at: at,
          self: null,
        });
        return { id, body, sign: (raw) => ({ 'x-hub-signature': signatureOf(raw, clientSecret) }) };
      }),
  };
}

export function signatureOf(rawBody: string, clientSecret: string): string {
  return `sha1=${createHmac('sha1', clientSecret).update(rawBody).digest('hex')}`;
}
