import { createStripeSandbox } from '../../../sandbox/stripe/index.ts';

/** A small account. */
export function openStripe(nowMs: () => number) {
  const sandbox = createStripeSandbox({ seed: 8, nowMs, size: { customers: 24 } });
  return { sandbox, apiKey: sandbox.apiKey, webhookSecret: sandbox.settings.webhookSecrets[0] ?? '' };
}

type Json = Record<string, unknown>;

/** With the ids of prices in place of their copies: a changed price changes the copies in other objects without an event. */
export function withoutCopies(object: Json): Json {
  return JSON.parse(JSON.stringify(object), (key, value) =>
    (key === 'price' || key === 'plan') && value !== null && typeof value === 'object' ? value.id : value,
  );
}
