-- Signed-in users may call these through PostgREST; which consumer they may use, `consumer_grants` says (see
-- use_consumer). Everything else about the feed is for the service role.
do $$
declare
  name text;
begin
  revoke all on all functions in schema supasaasy from public;
  if exists (select 1 from pg_roles where rolname = 'authenticated') then
    grant usage on schema supasaasy to authenticated;
    grant execute on function supasaasy.consumer_recv(text, integer, double precision), supasaasy.consumer_ack(text, bigint, bigint[], jsonb),
      supasaasy.consumer_nack(text, bigint, bigint, text, double precision, boolean), supasaasy.consumer_extend(text, bigint, double precision),
      supasaasy.consumer_release(text, bigint), supasaasy.consumer_seek(text, text), supasaasy.consumer_lag(text, integer),
      supasaasy.consumer_status(text)
      to authenticated;
    -- Their rows are read as the reader's own, so they say nothing that the tables would not.
    grant execute on function supasaasy.entity_as_of(text, text, text, timestamptz), supasaasy.entity_versions(text, text, text),
      supasaasy.diff_values(jsonb, jsonb, text[]), supasaasy.diff_versions(text, text, text, timestamptz, timestamptz) to authenticated;
  end if;
end $$;
