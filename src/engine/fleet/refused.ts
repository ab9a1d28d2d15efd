import type { RefusalReason } from '../inbox/refusals.ts';
import type { RefusedLately } from './fleet.ts';

interface Cause {
  readonly what: string;
  readonly remedy: (appKey: string) => string;
}

const doctor = (appKey: string) =>
  `supasaasy doctor names the variable of ${appKey}; supasaasy webhooks list ${appKey} lists the endpoints`;

/** What each reason means, and its likely cause. */
const CAUSES: Readonly<Record<RefusalReason, Cause>> = {
  mismatch: {
    what: 'the signature fits no webhook secret that is configured: the secret is wrong, was rolled, or belongs to another endpoint',
    remedy: (app) =>
      `copy the signing secret of the endpoint that calls /webhook/${app} into the variable of its webhook secret, and restart what serves it; ${doctor(app)}`,
  },
  other_app: {
    what: "the signature fits the webhook secret of another app: two endpoints' URLs or secrets are mixed up",
    remedy: (app) => `let the endpoint call /webhook/<its own app_key>, or exchange the secrets; ${doctor(app)}`,
  },
  expired: {
    what: 'the signature is too old: the clock of this machine is wrong, or a proxy held or replays deliveries',
    remedy: (app) =>
      `let this machine follow a time server (NTP), and deliver to /webhook/${app} without a queue between`,
  },
  unsigned: {
    what: 'there is no signature: the sender is not the provider, or a proxy removes its headers',
    remedy: (app) => `let the proxy before /webhook/${app} pass all headers; a scanner may be ignored`,
  },
  unreadable: {
    what: "the signature is not in the provider's form: another provider calls this endpoint, or a proxy changes headers",
    remedy: (app) => `compare the URL of the endpoint with the connector of ${app}`,
  },
  no_secret: {
    what: 'no webhook secret is set where they arrive: they are answered 503, and the provider delivers again for a while',
    remedy: (app) => `set the webhook secret of ${app} there, and restart; ${doctor(app)}`,
  },
  too_large: {
    what: 'the body is larger than the limit',
    remedy: (app) => `see what is sent to /webhook/${app}; a host of your own can raise maxBodyBytes`,
  },
};

export function describeRefused({ app_key, reason, count, last_at }: RefusedLately): {
  readonly message: string;
  readonly remedy: string;
} {
  const { what, remedy } = CAUSES[reason];
  return {
    message: `${app_key}: ${Number(count)} webhook deliveries were refused within a day (${reason}, the last at ${new Date(last_at).toISOString()}): ${what}`,
    remedy: remedy(app_key),
  };
}

/** No delivery has been accepted since the last that was refused. */
export function isUnanswered({ last_at, accepted_at }: RefusedLately): boolean {
  return accepted_at === null || Date.parse(accepted_at) < Date.parse(last_at);
}
