import { createClient } from '@supabase/supabase-js';
import type { Database } from '../../engine/database.ts';
import { fromSqlError, isConflict } from '../../engine/sql-errors.ts';
import { DatabaseError } from '../../errors.ts';
import { parseJson, stringifyJson } from '../../kit/json.ts';

/** The part of a supabase-js client that is needed. Numbers that it reads or writes itself have 53 bits: see `exactly`. */
interface RpcClient {
  rpc(name: string, args: RpcText): { csv(): PromiseLike<RpcAnswer> };
}

/** The arguments as JSON. */
interface RpcText {
  readonly text: string;
}

interface RpcAnswer {
  /** JSON. */
  readonly data: string | null;
  readonly error: { readonly message: string; readonly code?: string; readonly hint?: string | null } | null;
  readonly status: number;
}

export interface RestOptions {
  /** `https://<ref>.supabase.co` */
  readonly url: string;
  /** A secret key, or the service role's. */
  readonly key: string;
  readonly fetch?: typeof fetch;
}

/**
 * The engine's functions through PostgREST: where only HTTPS gets out. The schema must be exposed and the key be the
 * service role's. Limits: no SQL (so no migrations), statements end after the role's `statement_timeout`, and every
 * call costs an HTTP round trip.
 */
export function createRestDatabase({ url, key, fetch }: RestOptions): Database {
  const client = createClient(url, key, {
    db: { schema: 'supasaasy' },
    auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
    // Never opened; without it the client does not start on Node 20, which has no WebSocket.
    realtime: { transport: NoSocket as unknown as typeof WebSocket },
    global: { fetch: exactly(fetch ?? globalThis.fetch) },
  });
  return fromRpc(client as unknown as RpcClient);
}

/** The text of the arguments becomes the body, and what the client takes for CSV, which it hands out as text, is JSON. */
function exactly(send: typeof fetch): typeof fetch {
  return async (input, init) => {
    const headers = new Headers(init?.headers);
    headers.set('accept', 'application/json');
    const { text } = JSON.parse(String(init?.body)) as RpcText;
    return await send(input, { ...init, headers, body: text });
  };
}

class NoSocket {
  constructor() {
    throw new Error('the engine listens to no channel');
  }
}

function fromRpc(client: RpcClient): Database {
  return {
    async call<T>(name: string, args: Readonly<Record<string, unknown>>): Promise<T> {
      const named = Object.fromEntries(Object.entries(args).map(([key, value]) => [`p_${key}`, value ?? null]));
      for (let attempt = 1; ; attempt += 1) {
        const answer = await request(client, name, named);
        if (answer.error === null) return (answer.data === null ? null : parseJson(answer.data)) as T;
        const known = toDatabaseError(answer, name);
        if (!isConflict(known) || attempt >= 3) throw known;
      }
    },
    close: async () => {},
  };
}

async function request(client: RpcClient, name: string, args: Record<string, unknown>): Promise<RpcAnswer> {
  try {
    return await client.rpc(name, { text: stringifyJson(args) }).csv();
  } catch (error) {
    throw fromSqlError(error, name);
  }
}

function toDatabaseError({ error, status }: RpcAnswer, name: string) {
  const { code, message = '', hint } = error ?? {};
  const text = hint ? `${message} (${hint})` : message;
  // PostgREST's own codes are no SQLSTATEs: PGRST202 is a function it does not know, PGRST106 a schema not exposed.
  if (code === 'PGRST202' || code === 'PGRST106')
    return new DatabaseError(`the database's API lacks ${name}: migrate, and expose the schema "supasaasy" (${text})`);
  if (status === 401 || status === 403 || code?.startsWith('PGRST3') === true)
    return new DatabaseError(`the database's API refuses the key for ${name}: it must be a secret key (${text})`);
  return fromSqlError(Object.assign(new Error(text), { code }), name);
}
