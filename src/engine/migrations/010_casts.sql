-- What the views read dirty values with: a value that is not what it should be is null in the view and stays as it
-- came in raw_payload. Never an error, so that one bad record never breaks a view or an index.
create or replace function supasaasy.as_text(value jsonb) returns text
language sql immutable parallel safe
return case when jsonb_typeof(value) in ('string', 'number', 'boolean') then value #>> '{}' end;

create or replace function supasaasy.as_boolean(value jsonb) returns boolean
language sql immutable parallel safe
return case when jsonb_typeof(value) = 'boolean' then value::boolean when value in ('"true"'::jsonb) then true when value in ('"false"'::jsonb) then false end;

create or replace function supasaasy.as_numeric(value jsonb) returns numeric
language sql immutable parallel safe
return case when jsonb_typeof(value) = 'number' then value::numeric
  when jsonb_typeof(value) = 'string' and value #>> '{}' ~ '^-?\d{1,30}(\.\d{1,30})?$' then (value #>> '{}')::numeric end;

create or replace function supasaasy.as_bigint(value jsonb) returns bigint
language sql immutable parallel safe
return case when jsonb_typeof(value) = 'number' and value::numeric between -9223372036854775808 and 9223372036854775807
    and value::numeric = trunc(value::numeric) then value::numeric::bigint
  when jsonb_typeof(value) = 'string' and value #>> '{}' ~ '^-?\d{1,18}$' then (value #>> '{}')::bigint end;

-- Seconds since 1970.
create or replace function supasaasy.as_timestamp(value jsonb) returns timestamptz
language sql immutable parallel safe
return case
  when jsonb_typeof(value) = 'number' and value::numeric between -62135596800 and 253402300799
    then to_timestamp(value::numeric::double precision)
  when jsonb_typeof(value) = 'string' and value #>> '{}' ~ '^\d{1,11}$' then to_timestamp((value #>> '{}')::double precision) end;

-- An id, or an object that was expanded in its place.
create or replace function supasaasy.as_id(value jsonb) returns text
language sql immutable parallel safe
return case jsonb_typeof(value) when 'string' then value #>> '{}' when 'object' then value ->> 'id' when 'number' then value #>> '{}' end;
