import type { Truth } from '../../sandbox/http/truth.ts';

/** Count and digest of ids, as `sandbox/http/truth.ts` counts them, over any table. */
export function digestSql(table: string, id: string, where = 'true'): string {
  return `select count(*)::int as count, lpad(to_hex_64(mod(coalesce(sum(('x' || left(md5(${id}), 16))::bit(64)::bigint::numeric), 0), 18446744073709551616)), 16, '0') as digest from ${table} where ${where}`;
}

export const DIGEST_FUNCTION = `create or replace function to_hex_64(value numeric) returns text language sql immutable as $$
  select to_hex((case when v >= 9223372036854775808 then v - 18446744073709551616 else v end)::bigint)
  from (select case when value < 0 then value + 18446744073709551616 else value end as v) x $$;`;

/** A result whose data differ does not count. */
export function mustEqual(what: string, found: Truth | undefined, truth: Truth): void {
  if (found?.count !== truth.count || found.digest !== truth.digest)
    throw new Error(
      `${what}: ${found?.count} rows (${found?.digest}), the source has ${truth.count} (${truth.digest})`,
    );
}
