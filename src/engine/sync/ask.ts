import {
  AuthenticationError,
  CursorLostError,
  NotFoundError,
  PermissionError,
  ProviderError,
  RateLimitError,
  RequestRefusedError,
  type SupasaasyError,
} from '../../errors.ts';
import type { AnswerMeaning } from '../../kit/connector.ts';
import { parseJson, stringifyJson } from '../../kit/json.ts';
import type { ProviderRequest } from '../../kit/resource.ts';
import type { App } from '../app.ts';
import { excessOf } from '../json-limits.ts';
import type { Ports } from '../ports.ts';
import { AnswerTooLargeError, type Received } from '../send.ts';

export interface Answer extends Asked {
  readonly bytes: Uint8Array;
  /** The bytes as text, decoded when it is asked for. */
  readonly body: string;
  /** Which limit of JSON it goes past (see `excessOf`): no parser of the database gets it as it is. */
  readonly excess?: string;
}

/** When an answer was asked for, and when it can have been true. */
export interface Asked {
  /** Milliseconds, the provider's clock: the state shown was true at some moment in [version, versionUntil]. */
  readonly version: number;
  readonly versionUntil: number;
  /** Our monotonic clock, before the request left. */
  readonly startedAt: number;
}

/** The provider refuses the list as a whole; it may be readable per parent. */
export class UnlistableError extends RequestRefusedError {}

const REQUEST_TIMEOUT_MS = 60_000;
/** Where an answer has no Date, the clocks of two machines may differ by this much. */
const CLOCK_SKEW_MS = 5_000;

/** What a status means where the connector does not know better. One table. */
function generalMeaning(status: number): AnswerMeaning {
  if (status === 401) return 'unauthorized';
  if (status === 403) return 'forbidden';
  if (status === 404 || status === 410) return 'gone';
  if (status === 429) return 'rate_limited';
  if (status === 408 || status === 425 || status >= 500) return 'retry';
  return 'refused';
}

/** Sends one request of an app. Answers 2xx; everything else is thrown as what it means. */
export async function ask(app: App, request: ProviderRequest, ports: Ports, signal?: AbortSignal): Promise<Answer> {
  const account = app.account();
  const { connector } = app.config;
  const url = new URL(account.baseUrl + request.path);
  for (const [key, value] of Object.entries(request.query ?? {}))
    if (value !== undefined) url.searchParams.append(key, String(value));
  const headers: Record<string, string> = { accept: 'application/json', ...connector.headers(account) };
  if (request.body !== undefined) headers['content-type'] = 'application/json';
  const method = request.method ?? 'GET';

  const startedAt = ports.monotonic();
  const startedWall = ports.now();
  let received: Received;
  try {
    received = await ports.send({
      url: url.href,
      method,
      headers,
      timeoutMs: REQUEST_TIMEOUT_MS,
      ...(signal === undefined ? {} : { signal }),
      ...(request.body === undefined ? {} : { body: stringifyJson(request.body) }),
    });
  } catch (error) {
    // The same question has the same answer.
    if (error instanceof AnswerTooLargeError)
      throw new RequestRefusedError(`${url.host} answered ${method} ${request.path} with too much: ${error.message}`, {
        cause: error,
      });
    const late = error instanceof Error && error.name === 'TimeoutError';
    // Whatever is asked of it: so that the same trouble of many resources reads as one.
    if (!late) throw new ProviderError(`${url.host} cannot be reached`, { cause: error });
    throw new ProviderError(
      `${url.host} did not answer within ${REQUEST_TIMEOUT_MS / 1000} s (${method} ${request.path})`,
      { cause: error },
    );
  }
  const elapsed = ports.monotonic() - startedAt;
  const date = Date.parse(received.header('date') ?? '');
  const moment = Number.isNaN(date)
    ? { version: Math.floor(startedWall - CLOCK_SKEW_MS), versionUntil: Math.ceil(ports.now() + CLOCK_SKEW_MS) }
    : { version: Math.floor((date - elapsed) / 1000) * 1000, versionUntil: date + 999 };
  const { bytes } = received;
  if (received.status < 200 || received.status > 299) throw refusal(app, request, received, textOf(bytes), moment);
  const excess = excessOf(bytes);
  let text: string | undefined;
  return {
    bytes,
    ...(excess === undefined ? {} : { excess }),
    get body() {
      text ??= textOf(bytes);
      return text;
    },
    startedAt,
    ...moment,
  };
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function refusal(
  app: App,
  request: ProviderRequest,
  response: Received,
  body: string,
  moment: NonNullable<NotFoundError['moment']>,
): SupasaasyError {
  const { connector } = app.config;
  const meaning = connector.meaning?.(response.status, body) ?? generalMeaning(response.status);
  const what = `${connector.metadata.title} answered ${response.status} to ${request.method ?? 'GET'} ${request.path}`;
  // A provider may quote the key that it refuses.
  const said = firstWords(body).replaceAll(app.account().apiKey, '[secret]');
  const options = { status: response.status };
  switch (meaning) {
    case 'unauthorized':
      return new AuthenticationError(`${what}: the key in ${app.config.apiKeyEnv} is not accepted. ${said}`, options);
    case 'forbidden':
      return new PermissionError(
        `${what}: the key in ${app.config.apiKeyEnv} may not read this; give it the permission, or leave the resource out of sync_resources. ${said}`,
        options,
      );
    case 'gone':
      return new NotFoundError(`${what}. ${said}`, { ...options, moment });
    case 'cursor_lost':
      return new CursorLostError(`${what}: the cursor is no longer valid. ${said}`, options);
    case 'unlistable':
      return new UnlistableError(`${what}. ${said}`, options);
    case 'rate_limited':
      return new RateLimitError(`${what}: too many requests`, { ...options, retryAfterMs: retryAfterMs(response) });
    case 'retry':
      return new ProviderError(`${what}. ${said}`, {
        ...options,
        ...(response.header('retry-after') !== null ? { retryAfterMs: retryAfterMs(response) } : {}),
      });
    case 'refused':
      return new RequestRefusedError(`${what}. ${said}`, options);
  }
}

/** `Retry-After` in seconds or as a date; one second when it says nothing. At most ten minutes. */
function retryAfterMs(response: Received): number {
  const text = response.header('retry-after') ?? response.header('x-ratelimit-reset');
  const number = Number(text);
  const answeredAt = Date.parse(response.header('date') ?? '') || Date.now();
  const ms =
    text === null || text === ''
      ? 1000
      : Number.isNaN(number)
        ? Date.parse(text) - answeredAt
        : number > 1_000_000_000
          ? number * 1000 - answeredAt
          : number * 1000;
  return Math.min(600_000, Math.max(100, Number.isNaN(ms) ? 1000 : ms));
}

/** The provider's own message, where its error body has the usual shapes; never a whole HTML page. */
function firstWords(body: string): string {
  try {
    const parsed = parseJson(body) as {
      error?: { message?: unknown };
      errors?: { message?: unknown }[];
      message?: unknown;
    };
    const message = parsed.error?.message ?? parsed.errors?.[0]?.message ?? parsed.message;
    return typeof message === 'string' ? `It says: ${message.slice(0, 300)}` : '';
  } catch {
    return body.trimStart().startsWith('<') ? 'It sent an HTML page.' : '';
  }
}
