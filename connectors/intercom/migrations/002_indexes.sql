-- What joins and filters of the views need; the expressions are the views'. Texts that identify are hashed: a B-tree
-- refuses entries over 2.7 kB, and a dirty value must never keep a row out. Parts are found by their conversation
-- through the engine's index on parent_id. Admins, teams, tags, segments and articles are too few to need one.

create index if not exists intercom_company_company_id on supasaasy.entities_intercom_company
  using hash ((supasaasy.as_text(raw_payload -> 'company_id') collate "C"));
create index if not exists intercom_company_updated_at on supasaasy.entities_intercom_company
  (supasaasy.as_timestamp(raw_payload -> 'updated_at'));

create index if not exists intercom_contact_external_id on supasaasy.entities_intercom_contact
  using hash ((supasaasy.as_text(raw_payload -> 'external_id') collate "C"));
create index if not exists intercom_contact_email on supasaasy.entities_intercom_contact
  using hash ((supasaasy.as_text(raw_payload -> 'email') collate "C"));
create index if not exists intercom_contact_updated_at on supasaasy.entities_intercom_contact
  (supasaasy.as_timestamp(raw_payload -> 'updated_at'));

create index if not exists intercom_conversation_contact_id on supasaasy.entities_intercom_conversation
  using hash ((supasaasy.as_id(raw_payload #> '{contacts,contacts,0}') collate "C"));
create index if not exists intercom_conversation_updated_at on supasaasy.entities_intercom_conversation
  (supasaasy.as_timestamp(raw_payload -> 'updated_at'));
create index if not exists intercom_conversation_open on supasaasy.entities_intercom_conversation
  (supasaasy.as_timestamp(raw_payload -> 'updated_at')) where supasaasy.as_boolean(raw_payload -> 'open');

create index if not exists intercom_conversation_part_created_at on supasaasy.entities_intercom_conversation_part
  (supasaasy.as_timestamp(raw_payload -> 'created_at'));

create index if not exists intercom_ticket_contact_id on supasaasy.entities_intercom_ticket
  using hash ((supasaasy.as_id(raw_payload #> '{contacts,contacts,0}') collate "C"));
create index if not exists intercom_ticket_updated_at on supasaasy.entities_intercom_ticket
  (supasaasy.as_timestamp(raw_payload -> 'updated_at'));
create index if not exists intercom_ticket_open on supasaasy.entities_intercom_ticket
  (supasaasy.as_timestamp(raw_payload -> 'updated_at')) where supasaasy.as_boolean(raw_payload -> 'open');
