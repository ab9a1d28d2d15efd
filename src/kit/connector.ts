import type { z } from 'zod';
import type { Position, Precision, ProviderRequest, Resource } from './resource.ts';

/** What a connector says about itself (S4-01 … S4-06). */
export interface ConnectorMetadata<Name extends string = string> {
  /** Unique: `acme`. */
  readonly name: Name;
  readonly title: string;
  /** The API version that is asked for, and recorded with every entity. */
  readonly apiVersion: string;
  /** Folder of numbered SQL files (`folderBeside`), or null when there are none. A file URL, so that it works from any directory. */
  readonly migrations: URL | null;
  readonly docs: string;
  /** The provider's origin, unless an app's `base_url` says otherwise. */
  readonly baseUrl: string;
}

/** One configured account, with its secrets resolved. Never logged, never stored. */
export interface AppAccount<Settings = unknown> {
  readonly appKey: string;
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly settings: Settings;
}

export type EventType = 'create' | 'update' | 'delete' | 'archive';

/** What an event says about one object. */
export interface EntityOperation {
  readonly type: EventType;
  readonly resource: string;
  readonly externalId: string;
  /**
   * Where the complete object lies in the event's body. Absent, for a create or update: the event shows less than
   * the API, so the object is read again.
   */
  readonly object?: readonly string[];
}

/** A verified event in our terms (S4-09, S4-10). An event without operations is kept and counted, and changes nothing. */
export interface NormalizedEvent {
  readonly id: string;
  /** The provider's name for it: `customer.subscription.updated`. */
  readonly providerType: string;
  /** Milliseconds, the provider's clock. */
  readonly occurredAt: number;
  /** How exact `occurredAt` is, where it is not in seconds: events of one object within it have no order. Default `1s`. */
  readonly precision?: Precision;
  readonly apiVersion?: string;
  /** The provider's account that the event names. Absent: it names none, and belongs to the account of the endpoint. */
  readonly account?: string;
  /** Which world of the account it comes from, where an account has several: `live` or `test`. */
  readonly mode?: string;
  readonly operations: readonly EntityOperation[];
  /** Why there are no operations. */
  readonly ignored?: string;
}

/** The canonical form of one object (S4-20 … S4-23): the columns of `supasaasy.entities` that come from the provider. */
export interface NormalizedEntity {
  readonly external_id: string;
  readonly collection_key: string;
  readonly raw_payload: unknown;
  readonly api_version: string;
  readonly archived_at: string | null;
  readonly source_created_at: string | null;
}

/** The outcome of a verification (S4-08): a value, because a bad signature is an everyday event. */
export type Verification =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: string; readonly refusal?: SignatureFault };

/**
 * What is wrong with a signature, for those who look for the cause: there is none, it is not in the provider's form, it is too
 * old, or (the default) it fits no secret.
 */
export type SignatureFault = 'unsigned' | 'unreadable' | 'expired' | 'mismatch';

export interface Delivery {
  readonly body: Uint8Array;
  readonly headers: Headers;
}

export interface WebhookHandler {
  /** Methods beside POST that the provider uses to check an endpoint: HEAD, say. Answered 200. */
  readonly handshakeMethods?: readonly string[];
  /**
   * What the headers alone show: a signature that is missing, malformed or too old. Asked before the body is read, so that who
   * has no signature costs no memory. Never says yes for `verify`.
   */
  verifyHeaders?(headers: Headers, nowMs: number): Verification;
  /** Checks the raw bytes against each secret (rotation: any may fit). Never parses before that. */
  verify(delivery: Delivery, secrets: readonly string[], nowMs: number): Promise<Verification>;
  /** Reads a verified body. Throws on text that is no event; unknown types are events without operations. */
  parse(body: string): NormalizedEvent;
}

/** A log of changes that the provider itself keeps: what incremental syncs read. */
export interface ChangeLog {
  /** Milliseconds that the provider keeps; a longer gap needs a full pass. */
  readonly retentionMs: number;
  /** Milliseconds to read again before the watermark, because the log is written late. */
  readonly overlapMs: number;
  /** One request per batch: the event types of the wanted resources, in as many groups as the provider needs. */
  groups(resources: readonly string[]): readonly (readonly string[])[];
  request(types: readonly string[], position: Position): ProviderRequest;
  /** Where the events lie in one page, and the cursor of the next page. Throws on what is no page of the log. */
  read(page: unknown): {
    readonly events: readonly { readonly value: unknown; readonly path: readonly string[] }[];
    readonly cursor: string | null;
  };
  /** Reads one event. Throws on what is none: it is kept where a person sees it, and the others go on. */
  parse(event: unknown): NormalizedEvent;
}

export interface RateLimits {
  /** Which buckets a request draws from; the first is the most particular one. */
  classes(request: ProviderRequest): readonly string[];
  /** Requests per second and burst of a bucket. */
  limit(rateClass: string, account: AppAccount): { readonly perSecond: number; readonly burst: number };
  /** Most requests of one app at one time in one process. */
  concurrency(account: AppAccount): number;
}

/** Creating the webhook endpoint through the provider's API. Absent: it is done by hand, and `docs` says where. */
export interface WebhookRegistration {
  list(context: RegistrationContext): Promise<readonly RegisteredEndpoint[]>;
  /** Creates or reuses the endpoint for `url`; the secret is there only when it was created now. */
  register(
    context: RegistrationContext,
    url: string,
    resources: readonly string[],
  ): Promise<RegisteredEndpoint & { readonly created: boolean; readonly secret?: string }>;
}

export interface RegistrationContext {
  readonly account: AppAccount;
  readonly fetch: typeof fetch;
}

export interface RegisteredEndpoint {
  readonly id: string;
  readonly url: string;
  readonly status: string;
  readonly apiVersion: string | null;
  readonly events: readonly string[];
}

/**
 * Whose key it is. Asked before anything is read, so that another account's key stores nothing. Absent: the provider
 * cannot tell, and only the breaker of the sweep stands between two accounts.
 */
export interface AccountIdentity {
  readonly request: ProviderRequest;
  /**
   * The account's id (with its mode, where one account has several worlds), out of the answer's body, or out of the
   * words of a refusal. Undefined when they do not tell. Never throws.
   */
  read(text: string, account: AppAccount): string | undefined;
  /**
   * What the recorded text says, in the words of an event's `account` and `mode`. Absent: the text is the account, and
   * there are no modes. `account` is absent where this process lacks the key. Never throws.
   */
  parts?(recorded: string, account: AppAccount | undefined): AccountParts;
  /** The mode that the key itself shows. Judges events while no account is recorded. Never throws. */
  modeOf?(account: AppAccount): string | undefined;
}

/** An account as events name it. */
export interface AccountParts {
  readonly account: string;
  /** Absent: the mode is not known, and no event is judged by it. */
  readonly mode?: string;
}

/** What an answer that is not 2xx means, where the general table (see http.ts) does not know. */
export type AnswerMeaning =
  | 'gone'
  | 'cursor_lost'
  | 'unlistable'
  | 'unauthorized'
  | 'forbidden'
  | 'rate_limited'
  | 'retry'
  | 'refused';

/**
 * Every connector by its name, for the types of a configuration. The module of a connector adds its own:
 *
 * ```ts
 * declare module 'supasaasy/kit' {
 *   interface Connectors {
 *     acme: typeof acme;
 *   }
 * }
 * ```
 */
// biome-ignore lint/suspicious/noEmptyInterface: filled by declaration merging
export interface Connectors {}

/** Everything known about one provider. See `defineConnector`. */
export interface Connector<
  // biome-ignore lint/suspicious/noExplicitAny: a registry holds connectors of any settings
  Settings = any,
  Name extends string = string,
  ResourceName extends string = string,
  SettingsInput = unknown,
> {
  readonly metadata: ConnectorMetadata<Name>;
  readonly settings: z.ZodType<Settings, SettingsInput>;
  readonly resources: Readonly<Record<ResourceName, Resource>> & Readonly<Record<string, Resource>>;
  readonly webhook: WebhookHandler;
  readonly changeLog?: ChangeLog;
  readonly limits: RateLimits;
  readonly registration?: WebhookRegistration;
  /** Headers of every request: authentication and the pinned version. Reads its arguments only, never the environment. */
  headers(account: AppAccount<Settings>): Readonly<Record<string, string>>;
  /** The request of one page of a list, of one parent's list, or of what changed since a moment. */
  page(resource: Resource, position: Position): ProviderRequest;
  /** A cheap request that tells whether the key works. */
  readonly probe: ProviderRequest;
  readonly identity?: AccountIdentity;
  /** The provider's account that an app mirrors, where one webhook endpoint may serve several: others' events are not ours. */
  accountOf?(settings: Settings): string | undefined;
  /** Reads an answer that is not 2xx. Undefined: the general table decides. */
  meaning?(status: number, body: string): AnswerMeaning | undefined;
}
