import type { SqlDatabase } from '../../src/engine/database.ts';
import { DatabaseError, LeaseLostError, PagingError, ProviderError } from '../../src/errors.ts';

/**
 * The part of PostgREST that calls functions, as it does it: arguments through json_to_record, so that they take the
 * parameters' types; SQLSTATE, message and hint in the answer. https://docs.postgrest.org/en/stable/references/api/functions.html
 */
export function postgrestFetch(database: SqlDatabase, key: string): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    const [, name = ''] = /^\/rest\/v1\/rpc\/(\w+)$/.exec(new URL(request.url).pathname) ?? [];
    if (request.headers.get('apikey') !== key)
      return Response.json({ message: 'Invalid API key', hint: 'Double check your API key.' }, { status: 401 });
    const schema = request.headers.get('content-profile');
    if (schema !== 'supasaasy')
      return Response.json(
        { code: 'PGRST106', message: `The schema must be one of the following: supasaasy` },
        { status: 406 },
      );
    const [fn] = await database.query<{ returns: string; parameters: { name: string; type: string }[] | null }>(
      `select p.prorettype::regtype::text as returns, (select jsonb_agg(jsonb_build_object('name', n, 'type', format_type(t, null)))
         from unnest(p.proargnames[1:p.pronargs], p.proargtypes::oid[]) as a(n, t)) as parameters
       from pg_proc p where p.pronamespace = 'supasaasy'::regnamespace and p.proname = $1`,
      [name],
    );
    if (fn === undefined)
      return Response.json(
        { code: 'PGRST202', message: `Could not find the function supasaasy.${name} in the schema cache` },
        { status: 404 },
      );
    const body = await request.text();
    const given = new Set(Object.keys(JSON.parse(body === '' ? '{}' : body) as object));
    const used = (fn.parameters ?? []).filter((parameter) => given.has(parameter.name));
    const call = `supasaasy.${name}(${used.map((p) => `${p.name} => a.${p.name}`).join(', ')})`;
    const from =
      used.length === 0
        ? ''
        : `from json_to_record($1::json) as a(${used.map((p) => `${p.name} ${p.type}`).join(', ')})`;
    try {
      const values = used.length === 0 ? [] : [body];
      if (fn.returns === 'void') {
        await database.query(`select ${call} ${from}`, values);
        return new Response(null, { status: 204 });
      }
      const [row] = await database.query<{ result: string | null }>(
        `select to_json(${call})::text as result ${from}`,
        values,
      );
      return new Response(row?.result ?? 'null', { headers: { 'content-type': 'application/json' } });
    } catch (error) {
      return Response.json(
        { code: codeOf(error), message: (error as Error).message, details: null, hint: null },
        { status: 400 },
      );
    }
  };
}

function codeOf(error: unknown): string | undefined {
  if (error instanceof LeaseLostError) return 'SY001';
  if (error instanceof PagingError) return 'SY003';
  if (error instanceof ProviderError) return 'SY002';
  return error instanceof DatabaseError ? error.sqlState : undefined;
}
