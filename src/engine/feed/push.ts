import { ConfigError, describeError, MissingSecretError, NonRetriableError, RetryAfterError } from '../../errors.ts';
import { stringifyJson } from '../../kit/json.ts';
import type { Resolve } from '../ports.ts';
import { readSecret, trimUnseen } from '../secret-value.ts';
import { hasCredentials, withoutUrl } from '../shown-url.ts';
import type { Change } from './change.ts';
import { type Consumer, type ConsumerInput, defineConsumer, type Handler } from './define-consumer.ts';
import { PauseConsumerError } from './pause-consumer-error.ts';
import { isPrivateAddress } from './private-address.ts';
import { assertSecret, webhookHeaders } from './standard-webhook.ts';

export interface PushInput extends Omit<ConsumerInput, 'handler' | 'transaction' | 'retryDelay'> {
  readonly url: string;
  /** Name of the environment variable with the secret (`whsec_…`); while it is rotated: the new one and the old one. */
  readonly secretEnv: string | readonly string[];
  /** Allows this machine and private networks as the destination. Default false. */
  readonly allowPrivate?: boolean;
  /** Bytes of a body at most (default 262,144). A larger change is sent without `before` and `after`. */
  readonly maxBytes?: number;
  /** Milliseconds between attempts; how many there are is `maxAttempts`. */
  readonly schedule?: readonly number[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly fetch?: typeof fetch;
  readonly now?: () => number;
}

const [SECOND, MINUTE, HOUR] = [1000, 60_000, 3_600_000];
/** What the Standard Webhooks recommend: ten attempts in about three days. */
export const PUSH_SCHEDULE: readonly number[] = [
  5 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
];
const MAX_BYTES = 256 * 1024;
const TIMEOUT_MS = 20_000;
const DEAD_AFTER_MS = 5 * 24 * HOUR;

/**
 * A consumer that posts every change to a URL, signed by the Standard Webhooks rules, at least once and in order per
 * entity. Any 2xx acknowledges; 410 pauses the consumer at once, and so does a destination that answers nothing but
 * failures for five days; redirects are failures.
 */
export function definePush(input: PushInput): Consumer {
  const { url, secretEnv, allowPrivate, maxBytes, schedule = PUSH_SCHEDULE, env, fetch: send, now, ...rest } = input;
  const target = parseUrl(input.name, url, allowPrivate === true);
  const signing = { name: input.name, secretEnvs: [secretEnv].flat(), env };
  try {
    secretsOf(signing);
  } catch (error) {
    throw new ConfigError(describeError(error), [], { cause: error });
  }
  const deliver = createDelivery({
    ...signing,
    target,
    allowPrivate: allowPrivate === true,
    maxBytes: maxBytes ?? MAX_BYTES,
    send,
    now: now ?? Date.now,
  });
  return defineConsumer({
    maxAttempts: schedule.length + 1,
    timeout: TIMEOUT_MS,
    pauseAfterFailing: DEAD_AFTER_MS,
    ...rest,
    handler: deliver,
    // A tenth of chance, so that a destination that comes back is not asked everything at once.
    retryDelay: (attempt) => (schedule[Math.min(attempt, schedule.length) - 1] ?? 0) * (1 + Math.random() / 10),
  });
}

function parseUrl(name: string, url: string, allowPrivate: boolean): URL {
  const target = URL.parse?.(url) ?? (URL.canParse(url) ? new URL(url) : null);
  if (target === null || !/^https?:$/.test(target.protocol))
    throw new ConfigError(`consumer "${name}": the url is no http(s) URL: it must be like https://example.com/hook`);
  if (hasCredentials(url))
    throw new ConfigError(
      `consumer "${name}": the url has a user or a password in it, which no request can carry: leave them out; deliveries are signed with the secret of secretEnv`,
    );
  if (!allowPrivate && isPrivateAddress(target.hostname))
    throw new ConfigError(
      `consumer "${name}": ${target.host} is a private address; say allowPrivate: true if that is meant`,
    );
  return target;
}

interface DeliveryOptions {
  readonly name: string;
  readonly target: URL;
  readonly secretEnvs: readonly string[];
  readonly allowPrivate: boolean;
  readonly maxBytes: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly send: typeof fetch | undefined;
  readonly now: () => number;
}

function createDelivery(options: DeliveryOptions): Handler {
  return async (change, { idempotencyKey, resolve, fetchAt, signal }) => {
    const secrets = secretsOf(options);
    if (secrets.length === 0)
      throw new MissingSecretError(
        `no secret to sign with: set ${options.secretEnvs.join(' or ')} (whsec_ and base64)`,
      );
    // Where the platform cannot look names up, only what the URL says is judged.
    const addresses =
      options.allowPrivate || resolve === undefined ? undefined : await publicAddresses(options.target, resolve);
    // What was judged is where it goes: the name may lead elsewhere a moment later.
    const send = options.send ?? (addresses === undefined ? undefined : fetchAt?.(addresses)) ?? fetch;
    const body = bodyOf(change, options.maxBytes);
    const headers = await webhookHeaders(
      { id: idempotencyKey, timestamp: Math.floor(options.now() / 1000), body },
      secrets,
    );
    const request: RequestInit = {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': 'supasaasy', ...headers },
      body,
      redirect: 'manual',
      signal,
    };
    const answer = await send(options.target, request).catch((error: unknown) => {
      // The reason is kept with the dead letter and logged: the path and the query of a destination may be its secret.
      const reason = withoutUrl(describeError(error), options.target);
      throw new Error(`the destination ${options.target.host} cannot be reached: ${reason}`);
    });
    await answer.body?.cancel().catch(() => {});
    if (answer.ok) return;
    refuse(answer, options.now());
  };
}

/** Those that are set. Throws what is wrong with one that can sign nothing. */
function secretsOf({ name, secretEnvs, env }: Pick<DeliveryOptions, 'name' | 'secretEnvs' | 'env'>): string[] {
  return secretEnvs
    .filter((variable) => trimUnseen(env[variable] ?? '') !== '')
    .map((variable) => {
      const secret = readSecret(env, variable, `consumer "${name}"`, 'signature');
      assertSecret(secret, variable);
      return secret;
    });
}

function refuse(answer: Response, now: number): never {
  const said = `the destination answered ${answer.status}`;
  if (answer.status === 410) throw new PauseConsumerError(`${said} (gone): it wants no more`);
  if (answer.status === 413) throw new NonRetriableError(`${said}: the change is too large for it`);
  const after = retryAfterMs(answer.headers.get('retry-after'), now);
  if (after > 0) throw new RetryAfterError(said, after);
  throw new Error(said);
}

/** Seconds, or a date. */
function retryAfterMs(text: string | null, now: number): number {
  if (text === null) return 0;
  return /^\d+$/.test(text.trim()) ? Number(text) * 1000 : Date.parse(text) - now;
}

async function publicAddresses(target: URL, resolve: Resolve): Promise<readonly string[]> {
  const addresses = await resolve(target.hostname.replace(/^\[|\]$/g, ''));
  const bad = addresses.find(isPrivateAddress);
  if (bad !== undefined)
    throw new NonRetriableError(`${target.host} leads to ${bad}, a private address: nothing was sent`);
  return addresses;
}

function bodyOf(change: Change, maxBytes: number): string {
  const { type, created_at: timestamp } = change;
  const whole = stringifyJson({ type, timestamp, data: change });
  if (new TextEncoder().encode(whole).byteLength <= maxBytes) return whole;
  const thin = stringifyJson({ type, timestamp, data: { ...change, before: null, after: null, truncated: true } });
  if (new TextEncoder().encode(thin).byteLength <= maxBytes) return thin;
  throw new NonRetriableError(`the change has more than ${maxBytes} bytes even without its payloads`);
}
