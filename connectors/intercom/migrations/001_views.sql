-- A partition and a view per Intercom collection. The views hide tombstones, never fail on a dirty value, and obey the
-- reader's row level security. Ids have collation "C", as the entities' own id has, so that a join finds their index.
-- `create or replace` can add columns at the end only: new ones go after raw_payload.

select supasaasy.ensure_collection('intercom_' || name)
from unnest(array['company', 'contact', 'admin', 'team', 'tag', 'segment', 'conversation', 'conversation_part', 'ticket', 'article']) name;

create or replace view supasaasy.intercom_companies with (security_invoker = true) as
select
  app_key,
  external_id as id,
  supasaasy.as_text(raw_payload -> 'company_id') collate "C" as company_id,
  supasaasy.as_text(raw_payload -> 'name') as name,
  supasaasy.as_text(raw_payload -> 'website') as website,
  supasaasy.as_text(raw_payload -> 'industry') as industry,
  supasaasy.as_bigint(raw_payload -> 'size') as size,
  supasaasy.as_numeric(raw_payload -> 'monthly_spend') as monthly_spend,
  supasaasy.as_bigint(raw_payload -> 'user_count') as user_count,
  supasaasy.as_bigint(raw_payload -> 'session_count') as session_count,
  supasaasy.as_id(raw_payload -> 'plan') collate "C" as plan_id,
  supasaasy.as_text(raw_payload #> '{plan,name}') as plan_name,
  jsonb_path_query_array(raw_payload, '$.tags.tags[*].id') as tag_ids,
  jsonb_path_query_array(raw_payload, '$.segments.segments[*].id') as segment_ids,
  raw_payload -> 'custom_attributes' as custom_attributes,
  supasaasy.as_timestamp(raw_payload -> 'remote_created_at') as remote_created_at,
  supasaasy.as_timestamp(raw_payload -> 'last_request_at') as last_request_at,
  supasaasy.as_timestamp(raw_payload -> 'created_at') as created_at,
  supasaasy.as_timestamp(raw_payload -> 'updated_at') as updated_at,
  archived_at,
  updated_at as synced_at,
  raw_payload
from supasaasy.entities
where collection_key = 'intercom_company' and deleted_at is null;

create or replace view supasaasy.intercom_contacts with (security_invoker = true) as
select
  app_key,
  external_id as id,
  supasaasy.as_text(raw_payload -> 'external_id') collate "C" as external_id,
  supasaasy.as_text(raw_payload -> 'role') as role,
  supasaasy.as_text(raw_payload -> 'email') collate "C" as email,
  supasaasy.as_text(raw_payload -> 'email_domain') as email_domain,
  supasaasy.as_text(raw_payload -> 'phone') as phone,
  supasaasy.as_text(raw_payload -> 'name') as name,
  supasaasy.as_id(raw_payload -> 'owner_id') collate "C" as owner_id,
  supasaasy.as_boolean(raw_payload -> 'has_hard_bounced') as has_hard_bounced,
  supasaasy.as_boolean(raw_payload -> 'marked_email_as_spam') as marked_email_as_spam,
  supasaasy.as_boolean(raw_payload -> 'unsubscribed_from_emails') as unsubscribed_from_emails,
  -- At most ten of each are shown inside a contact.
  jsonb_path_query_array(raw_payload, '$.companies.data[*].id') as company_ids,
  jsonb_path_query_array(raw_payload, '$.tags.data[*].id') as tag_ids,
  supasaasy.as_text(raw_payload #> '{location,country}') as country,
  supasaasy.as_text(raw_payload #> '{location,region}') as region,
  supasaasy.as_text(raw_payload #> '{location,city}') as city,
  supasaasy.as_text(raw_payload -> 'browser') as browser,
  supasaasy.as_text(raw_payload -> 'browser_language') as browser_language,
  supasaasy.as_text(raw_payload -> 'os') as os,
  raw_payload -> 'custom_attributes' as custom_attributes,
  supasaasy.as_timestamp(raw_payload -> 'signed_up_at') as signed_up_at,
  supasaasy.as_timestamp(raw_payload -> 'last_seen_at') as last_seen_at,
  supasaasy.as_timestamp(raw_payload -> 'last_replied_at') as last_replied_at,
  supasaasy.as_timestamp(raw_payload -> 'last_contacted_at') as last_contacted_at,
  supasaasy.as_timestamp(raw_payload -> 'last_email_opened_at') as last_email_opened_at,
  supasaasy.as_timestamp(raw_payload -> 'last_email_clicked_at') as last_email_clicked_at,
  supasaasy.as_timestamp(raw_payload -> 'created_at') as created_at,
  supasaasy.as_timestamp(raw_payload -> 'updated_at') as updated_at,
  archived_at,
  updated_at as synced_at,
  raw_payload
from supasaasy.entities
where collection_key = 'intercom_contact' and deleted_at is null;

create or replace view supasaasy.intercom_admins with (security_invoker = true) as
select
  app_key,
  external_id as id,
  supasaasy.as_text(raw_payload -> 'name') as name,
  supasaasy.as_text(raw_payload -> 'email') collate "C" as email,
  supasaasy.as_text(raw_payload -> 'job_title') as job_title,
  supasaasy.as_boolean(raw_payload -> 'away_mode_enabled') as away_mode_enabled,
  supasaasy.as_boolean(raw_payload -> 'away_mode_reassign') as away_mode_reassign,
  supasaasy.as_boolean(raw_payload -> 'has_inbox_seat') as has_inbox_seat,
  raw_payload -> 'team_ids' as team_ids,
  archived_at,
  updated_at as synced_at,
  raw_payload
from supasaasy.entities
where collection_key = 'intercom_admin' and deleted_at is null;

create or replace view supasaasy.intercom_teams with (security_invoker = true) as
select
  app_key,
  external_id as id,
  supasaasy.as_text(raw_payload -> 'name') as name,
  raw_payload -> 'admin_ids' as admin_ids,
  supasaasy.as_text(raw_payload -> 'distribution_method') as distribution_method,
  supasaasy.as_bigint(raw_payload -> 'assignment_limit') as assignment_limit,
  archived_at,
  updated_at as synced_at,
  raw_payload
from supasaasy.entities
where collection_key = 'intercom_team' and deleted_at is null;

create or replace view supasaasy.intercom_tags with (security_invoker = true) as
select
  app_key,
  external_id as id,
  supasaasy.as_text(raw_payload -> 'name') as name,
  archived_at,
  updated_at as synced_at,
  raw_payload
from supasaasy.entities
where collection_key = 'intercom_tag' and deleted_at is null;

create or replace view supasaasy.intercom_segments with (security_invoker = true) as
select
  app_key,
  external_id as id,
  supasaasy.as_text(raw_payload -> 'name') as name,
  supasaasy.as_text(raw_payload -> 'person_type') as person_type,
  supasaasy.as_timestamp(raw_payload -> 'created_at') as created_at,
  supasaasy.as_timestamp(raw_payload -> 'updated_at') as updated_at,
  archived_at,
  updated_at as synced_at,
  raw_payload
from supasaasy.entities
where collection_key = 'intercom_segment' and deleted_at is null;

create or replace view supasaasy.intercom_conversations with (security_invoker = true) as
select
  app_key,
  external_id as id,
  supasaasy.as_text(raw_payload -> 'title') as title,
  supasaasy.as_text(raw_payload -> 'state') as state,
  supasaasy.as_boolean(raw_payload -> 'open') as open,
  supasaasy.as_boolean(raw_payload -> 'read') as read,
  supasaasy.as_text(raw_payload -> 'priority') as priority,
  supasaasy.as_id(raw_payload -> 'admin_assignee_id') collate "C" as admin_assignee_id,
  supasaasy.as_id(raw_payload -> 'team_assignee_id') collate "C" as team_assignee_id,
  supasaasy.as_id(raw_payload -> 'company_id') collate "C" as company_id,
  supasaasy.as_id(raw_payload #> '{contacts,contacts,0}') collate "C" as contact_id,
  jsonb_path_query_array(raw_payload, '$.contacts.contacts[*].id') as contact_ids,
  jsonb_path_query_array(raw_payload, '$.tags.tags[*].id') as tag_ids,
  supasaasy.as_text(raw_payload #> '{source,type}') as source_type,
  supasaasy.as_text(raw_payload #> '{source,delivered_as}') as source_delivered_as,
  supasaasy.as_text(raw_payload #> '{source,subject}') as source_subject,
  supasaasy.as_text(raw_payload #> '{source,body}') as source_body,
  supasaasy.as_text(raw_payload #> '{source,author,type}') as source_author_type,
  supasaasy.as_id(raw_payload #> '{source,author}') collate "C" as source_author_id,
  supasaasy.as_bigint(raw_payload #> '{conversation_rating,rating}') as rating,
  supasaasy.as_boolean(raw_payload -> 'ai_agent_participated') as ai_agent_participated,
  raw_payload -> 'custom_attributes' as custom_attributes,
  supasaasy.as_bigint(raw_payload #> '{statistics,time_to_admin_reply}') as time_to_admin_reply,
  supasaasy.as_bigint(raw_payload #> '{statistics,time_to_first_close}') as time_to_first_close,
  supasaasy.as_bigint(raw_payload #> '{statistics,median_time_to_reply}') as median_time_to_reply,
  supasaasy.as_bigint(raw_payload #> '{statistics,count_reopens}') as count_reopens,
  -- How many parts there are; the mirror holds those that were among the newest 500 when it looked.
  supasaasy.as_bigint(raw_payload #> '{statistics,count_conversation_parts}') as count_conversation_parts,
  supasaasy.as_timestamp(raw_payload #> '{statistics,first_admin_reply_at}') as first_admin_reply_at,
  supasaasy.as_timestamp(raw_payload #> '{statistics,last_close_at}') as last_close_at,
  supasaasy.as_timestamp(raw_payload -> 'waiting_since') as waiting_since,
  supasaasy.as_timestamp(raw_payload -> 'snoozed_until') as snoozed_until,
  supasaasy.as_timestamp(raw_payload -> 'created_at') as created_at,
  supasaasy.as_timestamp(raw_payload -> 'updated_at') as updated_at,
  archived_at,
  updated_at as synced_at,
  raw_payload
from supasaasy.entities
where collection_key = 'intercom_conversation' and deleted_at is null;

create or replace view supasaasy.intercom_conversation_parts with (security_invoker = true) as
select
  app_key,
  external_id as id,
  parent_id as conversation_id,
  supasaasy.as_text(raw_payload -> 'part_type') as part_type,
  supasaasy.as_text(raw_payload -> 'body') as body,
  supasaasy.as_text(raw_payload #> '{author,type}') as author_type,
  supasaasy.as_id(raw_payload -> 'author') collate "C" as author_id,
  supasaasy.as_text(raw_payload #> '{assigned_to,type}') as assigned_to_type,
  supasaasy.as_id(raw_payload -> 'assigned_to') collate "C" as assigned_to_id,
  supasaasy.as_text(raw_payload -> 'state') as state,
  supasaasy.as_boolean(raw_payload -> 'redacted') as redacted,
  raw_payload -> 'attachments' as attachments,
  supasaasy.as_text(raw_payload -> 'external_id') collate "C" as external_id,
  supasaasy.as_timestamp(raw_payload -> 'notified_at') as notified_at,
  supasaasy.as_timestamp(raw_payload -> 'created_at') as created_at,
  supasaasy.as_timestamp(raw_payload -> 'updated_at') as updated_at,
  archived_at,
  updated_at as synced_at,
  raw_payload
from supasaasy.entities
where collection_key = 'intercom_conversation_part' and deleted_at is null;

create or replace view supasaasy.intercom_tickets with (security_invoker = true) as
select
  app_key,
  external_id as id,
  supasaasy.as_text(raw_payload -> 'ticket_id') collate "C" as ticket_id,
  supasaasy.as_text(raw_payload -> 'category') as category,
  supasaasy.as_text(raw_payload #> '{ticket_attributes,_default_title_}') as title,
  supasaasy.as_text(raw_payload #> '{ticket_attributes,_default_description_}') as description,
  supasaasy.as_id(raw_payload -> 'ticket_type') collate "C" as ticket_type_id,
  supasaasy.as_text(raw_payload #> '{ticket_type,name}') as ticket_type_name,
  -- An object from version 2.12 on, a text before.
  coalesce(supasaasy.as_text(raw_payload #> '{ticket_state,category}'), supasaasy.as_text(raw_payload -> 'ticket_state')) as ticket_state,
  supasaasy.as_text(raw_payload #> '{ticket_state,internal_label}') as ticket_state_label,
  supasaasy.as_boolean(raw_payload -> 'open') as open,
  supasaasy.as_boolean(raw_payload -> 'is_shared') as is_shared,
  supasaasy.as_id(raw_payload -> 'admin_assignee_id') collate "C" as admin_assignee_id,
  supasaasy.as_id(raw_payload -> 'team_assignee_id') collate "C" as team_assignee_id,
  supasaasy.as_id(raw_payload #> '{contacts,contacts,0}') collate "C" as contact_id,
  jsonb_path_query_array(raw_payload, '$.contacts.contacts[*].id') as contact_ids,
  raw_payload -> 'ticket_attributes' as ticket_attributes,
  supasaasy.as_timestamp(raw_payload -> 'snoozed_until') as snoozed_until,
  supasaasy.as_timestamp(raw_payload -> 'created_at') as created_at,
  supasaasy.as_timestamp(raw_payload -> 'updated_at') as updated_at,
  archived_at,
  updated_at as synced_at,
  raw_payload
from supasaasy.entities
where collection_key = 'intercom_ticket' and deleted_at is null;

create or replace view supasaasy.intercom_articles with (security_invoker = true) as
select
  app_key,
  external_id as id,
  supasaasy.as_text(raw_payload -> 'title') as title,
  supasaasy.as_text(raw_payload -> 'description') as description,
  supasaasy.as_text(raw_payload -> 'body') as body,
  supasaasy.as_text(raw_payload -> 'state') as state,
  supasaasy.as_id(raw_payload -> 'author_id') collate "C" as author_id,
  supasaasy.as_text(raw_payload -> 'url') as url,
  supasaasy.as_id(raw_payload -> 'parent_id') collate "C" as parent_id,
  supasaasy.as_text(raw_payload -> 'parent_type') as parent_type,
  supasaasy.as_text(raw_payload -> 'default_locale') as default_locale,
  supasaasy.as_timestamp(raw_payload -> 'created_at') as created_at,
  supasaasy.as_timestamp(raw_payload -> 'updated_at') as updated_at,
  archived_at,
  updated_at as synced_at,
  raw_payload
from supasaasy.entities
where collection_key = 'intercom_article' and deleted_at is null;
