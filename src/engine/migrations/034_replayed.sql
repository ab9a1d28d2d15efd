-- When a person had a delivery worked again: what that brings says nothing about how fresh the mirror is.
alter table supasaasy.inbox add column if not exists replayed_at timestamptz;
