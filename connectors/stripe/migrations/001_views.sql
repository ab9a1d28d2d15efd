-- One typed view per Stripe resource. A value that is not of its type is null here and as it came in raw_payload.
-- Amounts are in the currency's smallest unit, ids of other objects end in _id, synced_at is when the mirror changed.
--
-- Applied again by every upgrade. CREATE OR REPLACE VIEW can only add columns at the end: new ones go after
-- raw_payload, and no column is ever renamed, moved, retyped or removed.

select supasaasy.ensure_collection('stripe_customer');
select supasaasy.ensure_collection('stripe_product');
select supasaasy.ensure_collection('stripe_price');
select supasaasy.ensure_collection('stripe_plan');
select supasaasy.ensure_collection('stripe_subscription');
select supasaasy.ensure_collection('stripe_subscription_item');
select supasaasy.ensure_collection('stripe_subscription_schedule');
select supasaasy.ensure_collection('stripe_invoice');
select supasaasy.ensure_collection('stripe_invoice_line_item');
select supasaasy.ensure_collection('stripe_invoice_item');
select supasaasy.ensure_collection('stripe_payment_method');
select supasaasy.ensure_collection('stripe_charge');
select supasaasy.ensure_collection('stripe_refund');
select supasaasy.ensure_collection('stripe_dispute');
select supasaasy.ensure_collection('stripe_payment_intent');
select supasaasy.ensure_collection('stripe_setup_intent');
select supasaasy.ensure_collection('stripe_checkout_session');
select supasaasy.ensure_collection('stripe_checkout_line_item');
select supasaasy.ensure_collection('stripe_coupon');
select supasaasy.ensure_collection('stripe_promotion_code');
select supasaasy.ensure_collection('stripe_credit_note');
select supasaasy.ensure_collection('stripe_quote');
select supasaasy.ensure_collection('stripe_tax_rate');
select supasaasy.ensure_collection('stripe_tax_id');
select supasaasy.ensure_collection('stripe_balance_transaction');
select supasaasy.ensure_collection('stripe_payout');
select supasaasy.ensure_collection('stripe_transfer');
select supasaasy.ensure_collection('stripe_review');
select supasaasy.ensure_collection('stripe_early_fraud_warning');

-- Ids, statuses and other short codes: what may be indexed. A longer text (Stripe's longest of these, an email
-- address, has 512 characters) would not fit into an index and block the write of its row.
create or replace function supasaasy.as_stripe_key(value jsonb) returns text
language sql immutable parallel safe
return case when length(supasaasy.as_id(value)) <= 512 then supasaasy.as_id(value) end;

create or replace view supasaasy.stripe_customers with (security_invoker = true) as select
  app_key,
  external_id as id,
  supasaasy.as_stripe_key(raw_payload -> 'email') collate "C" as email,
  supasaasy.as_text(raw_payload -> 'name') as name,
  supasaasy.as_text(raw_payload -> 'description') as description,
  supasaasy.as_text(raw_payload -> 'phone') as phone,
  supasaasy.as_stripe_key(raw_payload -> 'currency') collate "C" as currency,
  supasaasy.as_bigint(raw_payload -> 'balance') as balance,
  supasaasy.as_boolean(raw_payload -> 'delinquent') as delinquent,
  supasaasy.as_stripe_key(raw_payload -> 'default_source') collate "C" as default_source_id,
  supasaasy.as_stripe_key(raw_payload #> '{invoice_settings,default_payment_method}') collate "C" as default_payment_method_id,
  coalesce(supasaasy.as_stripe_key(raw_payload #> '{discount,coupon}'), supasaasy.as_stripe_key(raw_payload #> '{discount,source,coupon}')) collate "C" as discount_coupon_id,
  supasaasy.as_text(raw_payload #> '{address,country}') as country,
  supasaasy.as_text(raw_payload #> '{address,postal_code}') as postal_code,
  supasaasy.as_stripe_key(raw_payload -> 'tax_exempt') collate "C" as tax_exempt,
  raw_payload -> 'preferred_locales' as preferred_locales,
  supasaasy.as_boolean(raw_payload -> 'livemode') as livemode,
  source_created_at as created,
  raw_payload -> 'metadata' as metadata,
  archived_at,
  updated_at as synced_at,
  raw_payload
from supasaasy.entities where collection_key = 'stripe_customer' and deleted_at is null;

create or replace view supasaasy.stripe_products with (security_invoker = true) as select
  app_key,
  external_id as id,
  supasaasy.as_text(raw_payload -> 'name') as name,
  supasaasy.as_text(raw_payload -> 'description') as description,
  supasaasy.as_boolean(raw_payload -> 'active') as active,
  supasaasy.as_stripe_key(raw_payload -> 'type') collate "C" as type,
  supasaasy.as_stripe_key(raw_payload -> 'default_price') collate "C" as default_price_id,
  supasaasy.as_stripe_key(raw_payload -> 'tax_code') collate "C" as tax_code_id,
  supasaasy.as_text(raw_payload -> 'unit_label') as unit_label,
  supasaasy.as_text(raw_payload -> 'url') as url,
  supasaasy.as_boolean(raw_payload -> 'shippable') as shippable,
  supasaasy.as_boolean(raw_payload -> 'livemode') as livemode,
  source_created_at as created,
  supasaasy.as_timestamp(raw_payload -> 'updated') as updated,
  raw_payload -> 'metadata' as metadata,
  archived_at,
  updated_at as synced_at,
  raw_payload
from supasaasy.entities where collection_key = 'stripe_product' and deleted_at is null;

create or replace view supasaasy.stripe_prices with (security_invoker = true) as select
  app_key,
  external_id as id,
  supasaasy.as_stripe_key(raw_payload -> 'product') collate "C" as product_id,
  supasaasy.as_boolean(raw_payload -> 'active') as active,
  supasaasy.as_stripe_key(raw_payload -> 'type') collate "C" as type,
  supasaasy.as_stripe_key(raw_payload -> 'currency') collate "C" as currency,
  supasaasy.as_bigint(raw_payload -> 'unit_amount') as unit_amount,
  supasaasy.as_numeric(raw_payload -> 'unit_amount_decimal') as unit_amount_decimal,
  supasaasy.as_stripe_key(raw_payload -> 'billing_scheme') collate "C" as billing_scheme,
  supasaasy.as_stripe_key(raw_payload #> '{recurring,interval}') collate "C" as recurring_interval,
  supasaasy.as_bigint(raw_payload #> '{recurring,interval_count}') as recurring_interval_count,
  supasaasy.as_stripe_key(raw_payload #> '{recurring,usage_type}') collate "C" as recurring_usage_type,
  supasaasy.as_stripe_key(raw_payload -> 'tiers_mode') collate "C" as tiers_mode,
  supasaasy.as_stripe_key(raw_payload -> 'tax_behavior') collate "C" as tax_behavior,
  supasaasy.as_stripe_key(raw_payload -> 'lookup_key') collate "C" as lookup_key,
  supasaasy.as_text(raw_payload -> 'nickname') as nickname,
  supasaasy.as_boolean(raw_payload -> 'livemode') as livemode,
  source_created_at as created,
  raw_payload -> 'metadata' as metadata,
  archived_at,
  updated_at as synced_at,
  raw_payload
from supasaasy.entities where collection_key = 'stripe_price' and deleted_at is null;

create or replace view supasaasy.stripe_plans with (security_invoker = true) as select
  app_key,
  external_id as id,
  supasaasy.as_stripe_key(raw_payload -> 'product') collate "C" as product_id,
  supasaasy.as_boolean(raw_payload -> 'active') as active,
  supasaasy.as_stripe_key(raw_payload -> 'currency') collate "C" as currency,
  supasaasy.as_bigint(raw_payload -> 'amount') as amount,
  supasaasy.as_numeric(raw_payload -> 'amount_decimal') as amount_decimal,
  supasaasy.as_stripe_key(raw_payload -> 'billing_scheme') collate "C" as billing_scheme,
  supasaasy.as_stripe_key(raw_payload -> 'interval') collate "C" as interval,
  supasaasy.as_bigint(raw_payload -> 'interval_count') as interval_count,
  supasaasy.as_stripe_key(raw_payload -> 'usage_type') collate "C" as usage_type,
  supasaasy.as_bigint(raw_payload -> 'trial_period_days') as trial_period_days,
  supasaasy.as_text(raw_payload -> 'nickname') as nickname,
  supasaasy.as_boolean(raw_payload -> 'livemode') as livemode,
  source_created_at as created,
  raw_payload -> 'metadata' as metadata,
  archived_at,
  updated_at as synced_at,
  raw_payload
from supasaasy.entities where collection_key = 'stripe_plan' and deleted_at is null;

-- Until 2025-03-31.basil the billing period was the subscription's, since then it is each item's.
create or replace view supasaasy.stripe_subscriptions with (security_invoker = true) as select
  app_key,
  external_id as id,
  supasaasy.as_stripe_key(raw_payload -> 'customer') collate "C" as customer_id,
  supasaasy.as_stripe_key(raw_payload -> 'status') collate "C" as status,
  supasaasy.as_stripe_key(raw_payload -> 'currency') collate "C" as currency,
  supasaasy.as_stripe_key(raw_payload -> 'collection_method') collate "C" as collection_method,
  coalesce(supasaasy.as_timestamp(raw_payload -> 'current_period_start'), supasaasy.as_timestamp(raw_payload #> '{items,data,0,current_period_start}')) as current_period_start,
  coalesce(supasaasy.as_timestamp(raw_payload -> 'current_period_end'), supasaasy.as_timestamp(raw_payload #> '{items,data,0,current_period_end}')) as current_period_end,
  supasaasy.as_timestamp(raw_payload -> 'start_date') as start_date,
  supasaasy.as_timestamp(raw_payload -> 'cancel_at') as cancel_at,
  supasaasy.as_boolean(raw_payload -> 'cancel_at_period_end') as cancel_at_period_end,
  supasaasy.as_timestamp(raw_payload -> 'canceled_at') as canceled_at,
  supasaasy.as_timestamp(raw_payload -> 'ended_at') as ended_at,
  supasaasy.as_timestamp(raw_payload -> 'trial_start') as trial_start,
  supasaasy.as_timestamp(raw_payload -> 'trial_end') as trial_end,
  supasaasy.as_timestamp(raw_payload -> 'billing_cycle_anchor') as billing_cycle_anchor,
  supasaasy.as_bigint(raw_payload -> 'days_until_due') as days_until_due,
  supasaasy.as_stripe_key(raw_payload -> 'default_payment_method') collate "C" as default_payment_method_id,
  supasaasy.as_stripe_key(raw_payload -> 'latest_invoice') collate "C" as latest_invoice_id,
  supasaasy.as_stripe_key(raw_payload -> 'schedule') collate "C" as schedule_id,
  supasaasy.as_stripe_key(raw_payload -> 'pending_setup_intent') collate "C" as pending_setup_intent_id,
  supasaasy.as_stripe_key(raw_payload #> '{cancellation_details,reason}') collate "C" as cancellation_reason,
  supasaasy.as_boolean(raw_payload -> 'livemode') as livemode,
  source_created_at as created,
  raw_payload -> 'metadata' as metadata,
  archived_at,
  updated_at as synced_at,
  raw_payload
from supasaasy.entities where collection_key = 'stripe_subscription' and deleted_at is null;

create or replace view supasaasy.stripe_subscription_items with (security_invoker = true) as select
  app_key,
  external_id as id,
  parent_id as subscription_id,
  coalesce(supasaasy.as_stripe_key(raw_payload -> 'price'), supasaasy.as_stripe_key(raw_payload -> 'plan')) collate "C" as price_id,
  coalesce(supasaasy.as_stripe_key(raw_payload #> '{price,product}'), supasaasy.as_stripe_key(raw_payload #> '{plan,product}')) collate "C" as product_id,
  supasaasy.as_bigint(raw_payload -> 'quantity') as quantity,
  coalesce(supasaasy.as_stripe_key(raw_payload #> '{price,currency}'), supasaasy.as_stripe_key(raw_payload #> '{plan,currency}')) collate "C" as currency,
  coalesce(supasaasy.as_bigint(raw_payload #> '{price,unit_amount}'), supasaasy.as_bigint(raw_payload #> '{plan,amount}')) as unit_amount,
  coalesce(supasaasy.as_stripe_key(raw_payload #> '{price,recurring,interval}'), supasaasy.as_stripe_key(raw_payload #> '{plan,interval}')) collate "C" as recurring_interval,
  coalesce(supasaasy.as_bigint(raw_payload #> '{price,recurring,interval_count}'), supasaasy.as_bigint(raw_payload #> '{plan,interval_count}')) as recurring_interval_count,
  supasaasy.as_timestamp(raw_payload -> 'current_period_start') as current_period_start,
  supasaasy.as_timestamp(raw_payload -> 'current_period_end') as current_period_end,
  source_created_at as created,
  raw_payload -> 'metadata' as metadata,
  archived_at,
  updated_at as synced_at,
  raw_payload
from supasaasy.entities where collection_key = 'stripe_subscription_item' and deleted_at is null;

create or replace view supasaasy.stripe_subscription_schedules with (security_invoker = true) as select
  app_key,
  external_id as id,
  supasaasy.as_stripe_key(raw_payload -> 'customer') collate "C" as customer_id,
  supasaasy.as_stripe_key(raw_payload -> 'subscription') collate "C" as subscription_id,
  supasaasy.as_stripe_key(raw_payload -> 'released_subscription') collate "C" as released_subscription_id,
  supasaasy.as_stripe_key(raw_payload -> 'status') collate "C" as status,
  supasaasy.as_stripe_key(raw_payload -> 'end_behavior') collate "C" as end_behavior,
  supasaasy.as_timestamp(raw_payload #> '{current_phase,start_date}') as current_phase_start,
  supasaasy.as_timestamp(raw_payload #> '{current_phase,end_date}') as current_phase_end,
  supasaasy.as_timestamp(raw_payload -> 'canceled_at') as canceled_at,
  supasaasy.as_timestamp(raw_payload -> 'completed_at') as completed_at,
  supasaasy.as_timestamp(raw_payload -> 'released_at') as released_at,
  supasaasy.as_boolean(raw_payload -> 'livemode') as livemode,
  source_created_at as created,
  raw_payload -> 'metadata' as metadata,
  archived_at,
  updated_at as synced_at,
  raw_payload
from supasaasy.entities where collection_key = 'stripe_subscription_schedule' and deleted_at is null;

-- Since 2025-03-31.basil an invoice names what it came from in `parent` and its payments in `payments` (shown on request only).
create or replace view supasaasy.stripe_invoices with (security_invoker = true) as select
  app_key,
  external_id as id,
  supasaasy.as_stripe_key(raw_payload -> 'customer') collate "C" as customer_id,
  coalesce(supasaasy.as_stripe_key(raw_payload -> 'subscription'), supasaasy.as_stripe_key(raw_payload #> '{parent,subscription_details,subscription}')) collate "C" as subscription_id,
  supasaasy.as_stripe_key(raw_payload -> 'number') collate "C" as number,
  supasaasy.as_stripe_key(raw_payload -> 'status') collate "C" as status,
  coalesce(supasaasy.as_boolean(raw_payload -> 'paid'), supasaasy.as_stripe_key(raw_payload -> 'status') = 'paid') as paid,
  supasaasy.as_stripe_key(raw_payload -> 'billing_reason') collate "C" as billing_reason,
  supasaasy.as_stripe_key(raw_payload -> 'collection_method') collate "C" as collection_method,
  supasaasy.as_stripe_key(raw_payload -> 'currency') collate "C" as currency,
  supasaasy.as_bigint(raw_payload -> 'amount_due') as amount_due,
  supasaasy.as_bigint(raw_payload -> 'amount_paid') as amount_paid,
  supasaasy.as_bigint(raw_payload -> 'amount_remaining') as amount_remaining,
  supasaasy.as_bigint(raw_payload -> 'subtotal') as subtotal,
  supasaasy.as_bigint(coalesce(nullif(raw_payload -> 'tax', 'null'), (
    select to_jsonb(sum(supasaasy.as_numeric(part.value -> 'amount')))
    from jsonb_array_elements(case when jsonb_typeof(raw_payload -> 'total_taxes') = 'array' then raw_payload -> 'total_taxes' end) part))) as tax,
  supasaasy.as_bigint(raw_payload -> 'total') as total,
  supasaasy.as_bigint(raw_payload -> 'starting_balance') as starting_balance,
  supasaasy.as_bigint(raw_payload -> 'ending_balance') as ending_balance,
  coalesce(supasaasy.as_stripe_key(raw_payload -> 'payment_intent'), supasaasy.as_stripe_key(raw_payload #> '{payments,data,0,payment,payment_intent}')) collate "C" as payment_intent_id,
  coalesce(supasaasy.as_stripe_key(raw_payload -> 'charge'), supasaasy.as_stripe_key(raw_payload #> '{payments,data,0,payment,charge}')) collate "C" as charge_id,
  coalesce(supasaasy.as_stripe_key(raw_payload -> 'quote'), supasaasy.as_stripe_key(raw_payload #> '{parent,quote_details,quote}')) collate "C" as quote_id,
  supasaasy.as_stripe_key(raw_payload -> 'default_payment_method') collate "C" as default_payment_method_id,
  supasaasy.as_stripe_key(raw_payload -> 'customer_email') collate "C" as customer_email,
  supasaasy.as_text(raw_payload -> 'customer_name') as customer_name,
  supasaasy.as_text(raw_payload -> 'description') as description,
  supasaasy.as_bigint(raw_payload -> 'attempt_count') as attempt_count,
  supasaasy.as_boolean(raw_payload -> 'attempted') as attempted,
  supasaasy.as_boolean(raw_payload -> 'auto_advance') as auto_advance,
  supasaasy.as_timestamp(raw_payload -> 'due_date') as due_date,
  supasaasy.as_timestamp(raw_payload -> 'next_payment_attempt') as next_payment_attempt,
  supasaasy.as_timestamp(raw_payload -> 'period_start') as period_start,
  supasaasy.as_timestamp(raw_payload -> 'period_end') as period_end,
  supasaasy.as_timestamp(raw_payload #> '{status_transitions,finalized_at}') as finalized_at,
  supasaasy.as_timestamp(raw_payload #> '{status_transitions,paid_at}') as paid_at,
  supasaasy.as_timestamp(raw_payload #> '{status_transitions,voided_at}') as voided_at,
  supasaasy.as_timestamp(raw_payload #> '{status_transitions,marked_uncollectible_at}') as marked_uncollectible_at,
  supasaasy.as_text(raw_payload -> 'hosted_invoice_url') as hosted_invoice_url,
  supasaasy.as_text(raw_payload -> 'invoice_pdf') as invoice_pdf,
  supasaasy.as_boolean(raw_payload -> 'livemode') as livemode,
  source_created_at as created,
  raw_payload -> 'metadata' as metadata,
  archived_at,
  updated_at as synced_at,
  raw_payload
from supasaasy.entities where collection_key = 'stripe_invoice' and deleted_at is null;

-- Since 2025-03-31.basil the origin of a line is in `parent` and its price in `pricing`.
create or replace view supasaasy.stripe_invoice_line_items with (security_invoker = true) as select
  app_key,
  external_id as id,
  parent_id as invoice_id,
  coalesce(supasaasy.as_stripe_key(raw_payload -> 'price'), supasaasy.as_stripe_key(raw_payload #> '{pricing,price_details,price}'), supasaasy.as_stripe_key(raw_payload -> 'plan')) collate "C" as price_id,
  coalesce(supasaasy.as_stripe_key(raw_payload #> '{price,product}'), supasaasy.as_stripe_key(raw_payload #> '{pricing,price_details,product}'), supasaasy.as_stripe_key(raw_payload #> '{plan,product}')) collate "C" as product_id,
  coalesce(supasaasy.as_stripe_key(raw_payload -> 'subscription'), supasaasy.as_stripe_key(raw_payload #> '{parent,subscription_item_details,subscription}'), supasaasy.as_stripe_key(raw_payload #> '{parent,invoice_item_details,subscription}')) collate "C" as subscription_id,
  coalesce(supasaasy.as_stripe_key(raw_payload -> 'subscription_item'), supasaasy.as_stripe_key(raw_payload #> '{parent,subscription_item_details,subscription_item}')) collate "C" as subscription_item_id,
  coalesce(supasaasy.as_stripe_key(raw_payload -> 'invoice_item'), supasaasy.as_stripe_key(raw_payload #> '{parent,invoice_item_details,invoice_item}'), supasaasy.as_stripe_key(raw_payload #> '{parent,subscription_item_details,invoice_item}')) collate "C" as invoice_item_id,
  supasaasy.as_text(raw_payload -> 'description') as description,
  supasaasy.as_stripe_key(raw_payload -> 'currency') collate "C" as currency,
  supasaasy.as_bigint(raw_payload -> 'amount') as amount,
  supasaasy.as_bigint(raw_payload -> 'quantity') as quantity,
  coalesce(supasaasy.as_numeric(raw_payload #> '{price,unit_amount_decimal}'), supasaasy.as_numeric(raw_payload #> '{pricing,unit_amount_decimal}')) as unit_amount_decimal,
  coalesce(supasaasy.as_boolean(raw_payload -> 'proration'), supasaasy.as_boolean(raw_payload #> '{parent,subscription_item_details,proration}'), supasaasy.as_boolean(raw_payload #> '{parent,invoice_item_details,proration}')) as proration,
  supasaasy.as_boolean(raw_payload -> 'discountable') as discountable,
  supasaasy.as_timestamp(raw_payload #> '{period,start}') as period_start,
  supasaasy.as_timestamp(raw_payload #> '{period,end}') as period_end,
  supasaasy.as_boolean(raw_payload -> 'livemode') as livemode,
  raw_payload -> 'metadata' as metadata,
  archived_at,
  updated_at as synced_at,
  raw_payload
from supasaasy.entities where collection_key = 'stripe_invoice_line_item' and deleted_at is null;

create or replace view supasaasy.stripe_invoice_items with (security_invoker = true) as select
  app_key,
  external_id as id,
  supasaasy.as_stripe_key(raw_payload -> 'customer') collate "C" as customer_id,
  supasaasy.as_stripe_key(raw_payload -> 'invoice') collate "C" as invoice_id,
  coalesce(supasaasy.as_stripe_key(raw_payload -> 'subscription'), supasaasy.as_stripe_key(raw_payload #> '{parent,subscription_details,subscription}')) collate "C" as subscription_id,
  coalesce(supasaasy.as_stripe_key(raw_payload -> 'subscription_item'), supasaasy.as_stripe_key(raw_payload #> '{parent,subscription_details,subscription_item}')) collate "C" as subscription_item_id,
  coalesce(supasaasy.as_stripe_key(raw_payload -> 'price'), supasaasy.as_stripe_key(raw_payload #> '{pricing,price_details,price}')) collate "C" as price_id,
  coalesce(supasaasy.as_stripe_key(raw_payload #> '{price,product}'), supasaasy.as_stripe_key(raw_payload #> '{pricing,price_details,product}')) collate "C" as product_id,
  supasaasy.as_text(raw_payload -> 'description') as description,
  supasaasy.as_stripe_key(raw_payload -> 'currency') collate "C" as currency,
  supasaasy.as_bigint(raw_payload -> 'amount') as amount,
  supasaasy.as_bigint(raw_payload -> 'quantity') as quantity,
  coalesce(supasaasy.as_numeric(raw_payload -> 'unit_amount_decimal'), supasaasy.as_numeric(raw_payload #> '{pricing,unit_amount_decimal}')) as unit_amount_decimal,
  supasaasy.as_boolean(raw_payload -> 'proration') as proration,
  supasaasy.as_boolean(raw_payload -> 'discountable') as discountable,
  supasaasy.as_timestamp(raw_payload #> '{period,start}') as period_start,
  supasaasy.as_timestamp(raw_payload #> '{period,end}') as period_end,
  supasaasy.as_boolean(raw_payload -> 'livemode') as livemode,
  supasaasy.as_timestamp(raw_payload -> 'date') as created,
  raw_payload -> 'metadata' as metadata,
  archived_at,
  updated_at as synced_at,
  raw_payload
from supasaasy.entities where collection_key = 'stripe_invoice_item' and deleted_at is null;

create or replace view supasaasy.stripe_payment_methods with (security_invoker = true) as select
  app_key,
  external_id as id,
  parent_id as customer_id,
  supasaasy.as_stripe_key(raw_payload -> 'type') collate "C" as type,
  supasaasy.as_stripe_key(raw_payload #> '{card,brand}') collate "C" as card_brand,
  supasaasy.as_stripe_key(raw_payload #> '{card,last4}') collate "C" as card_last4,
  supasaasy.as_bigint(raw_payload #> '{card,exp_month}') as card_exp_month,
  supasaasy.as_bigint(raw_payload #> '{card,exp_year}') as card_exp_year,
  supasaasy.as_stripe_key(raw_payload #> '{card,funding}') collate "C" as card_funding,
  supasaasy.as_stripe_key(raw_payload #> '{card,country}') collate "C" as card_country,
  supasaasy.as_stripe_key(raw_payload #> '{card,fingerprint}') collate "C" as card_fingerprint,
  supasaasy.as_text(raw_payload #> '{billing_details,email}') as billing_email,
  supasaasy.as_text(raw_payload #> '{billing_details,name}') as billing_name,
  supasaasy.as_stripe_key(raw_payload -> 'allow_redisplay') collate "C" as allow_redisplay,
  supasaasy.as_boolean(raw_payload -> 'livemode') as livemode,
  source_created_at as created,
  raw_payload -> 'metadata' as metadata,
  archived_at,
  updated_at as synced_at,
  raw_payload
from supasaasy.entities where collection_key = 'stripe_payment_method' and deleted_at is null;

create or replace view supasaasy.stripe_charges with (security_invoker = true) as select
  app_key,
  external_id as id,
  supasaasy.as_stripe_key(raw_payload -> 'customer') collate "C" as customer_id,
  supasaasy.as_stripe_key(raw_payload -> 'payment_intent') collate "C" as payment_intent_id,
  supasaasy.as_stripe_key(raw_payload -> 'payment_method') collate "C" as payment_method_id,
  supasaasy.as_stripe_key(raw_payload -> 'invoice') collate "C" as invoice_id,
  supasaasy.as_stripe_key(raw_payload -> 'balance_transaction') collate "C" as balance_transaction_id,
  supasaasy.as_stripe_key(raw_payload -> 'status') collate "C" as status,
  supasaasy.as_boolean(raw_payload -> 'paid') as paid,
  supasaasy.as_boolean(raw_payload -> 'captured') as captured,
  supasaasy.as_boolean(raw_payload -> 'refunded') as refunded,
  supasaasy.as_boolean(raw_payload -> 'disputed') as disputed,
  supasaasy.as_stripe_key(raw_payload -> 'currency') collate "C" as currency,
  supasaasy.as_bigint(raw_payload -> 'amount') as amount,
  supasaasy.as_bigint(raw_payload -> 'amount_captured') as amount_captured,
  supasaasy.as_bigint(raw_payload -> 'amount_refunded') as amount_refunded,
  supasaasy.as_bigint(raw_payload -> 'application_fee_amount') as application_fee_amount,
  supasaasy.as_text(raw_payload -> 'description') as description,
  supasaasy.as_stripe_key(raw_payload #> '{payment_method_details,type}') collate "C" as payment_method_type,
  supasaasy.as_stripe_key(raw_payload #> '{payment_method_details,card,brand}') collate "C" as card_brand,
  supasaasy.as_stripe_key(raw_payload #> '{payment_method_details,card,last4}') collate "C" as card_last4,
  supasaasy.as_stripe_key(raw_payload -> 'failure_code') collate "C" as failure_code,
  supasaasy.as_text(raw_payload -> 'failure_message') as failure_message,
  supasaasy.as_stripe_key(raw_payload #> '{outcome,type}') collate "C" as outcome_type,
  supasaasy.as_stripe_key(raw_payload #> '{outcome,risk_level}') collate "C" as risk_level,
  supasaasy.as_text(raw_payload #> '{billing_details,email}') as billing_email,
  supasaasy.as_text(raw_payload -> 'receipt_email') as receipt_email,
  supasaasy.as_text(raw_payload -> 'receipt_url') as receipt_url,
  supasaasy.as_text(raw_payload -> 'statement_descriptor') as statement_descriptor,
  supasaasy.as_stripe_key(raw_payload -> 'transfer_group') collate "C" as transfer_group,
  supasaasy.as_boolean(raw_payload -> 'livemode') as livemode,
  source_created_at as created,
  raw_payload -> 'metadata' as metadata,
  archived_at,
  updated_at as synced_at,
  raw_payload
from supasaasy.entities where collection_key = 'stripe_charge' and deleted_at is null;

create or replace view supasaasy.stripe_refunds with (security_invoker = true) as select
  app_key,
  external_id as id,
  supasaasy.as_stripe_key(raw_payload -> 'charge') collate "C" as charge_id,
  supasaasy.as_stripe_key(raw_payload -> 'payment_intent') collate "C" as payment_intent_id,
  supasaasy.as_stripe_key(raw_payload -> 'balance_transaction') collate "C" as balance_transaction_id,
  supasaasy.as_stripe_key(raw_payload -> 'status') collate "C" as status,
  supasaasy.as_stripe_key(raw_payload -> 'reason') collate "C" as reason,
  supasaasy.as_stripe_key(raw_payload -> 'currency') collate "C" as currency,
  supasaasy.as_bigint(raw_payload -> 'amount') as amount,
  supasaasy.as_stripe_key(raw_payload -> 'failure_reason') collate "C" as failure_reason,
  supasaasy.as_stripe_key(raw_payload -> 'receipt_number') collate "C" as receipt_number,
  source_created_at as created,
  raw_payload -> 'metadata' as metadata,
  archived_at,
  updated_at as synced_at,
  raw_payload
from supasaasy.entities where collection_key = 'stripe_refund' and deleted_at is null;

create or replace view supasaasy.stripe_disputes with (security_invoker = true) as select
  app_key,
  external_id as id,
  supasaasy.as_stripe_key(raw_payload -> 'charge') collate "C" as charge_id,
  supasaasy.as_stripe_key(raw_payload -> 'payment_intent') collate "C" as payment_intent_id,
  supasaasy.as_stripe_key(raw_payload -> 'status') collate "C" as status,
  supasaasy.as_stripe_key(raw_payload -> 'reason') collate "C" as reason,
  supasaasy.as_stripe_key(raw_payload -> 'currency') collate "C" as currency,
  supasaasy.as_bigint(raw_payload -> 'amount') as amount,
  supasaasy.as_boolean(raw_payload -> 'is_charge_refundable') as is_charge_refundable,
  supasaasy.as_timestamp(raw_payload #> '{evidence_details,due_by}') as evidence_due_by,
  supasaasy.as_boolean(raw_payload #> '{evidence_details,has_evidence}') as has_evidence,
  supasaasy.as_boolean(raw_payload #> '{evidence_details,past_due}') as past_due,
  supasaasy.as_bigint(raw_payload #> '{evidence_details,submission_count}') as submission_count,
  supasaasy.as_boolean(raw_payload -> 'livemode') as livemode,
  source_created_at as created,
  raw_payload -> 'metadata' as metadata,
  archived_at,
  updated_at as synced_at,
  raw_payload
from supasaasy.entities where collection_key = 'stripe_dispute' and deleted_at is null;

create or replace view supasaasy.stripe_payment_intents with (security_invoker = true) as select
  app_key,
  external_id as id,
  supasaasy.as_stripe_key(raw_payload -> 'customer') collate "C" as customer_id,
  supasaasy.as_stripe_key(raw_payload -> 'latest_charge') collate "C" as latest_charge_id,
  supasaasy.as_stripe_key(raw_payload -> 'payment_method') collate "C" as payment_method_id,
  supasaasy.as_stripe_key(raw_payload -> 'invoice') collate "C" as invoice_id,
  supasaasy.as_stripe_key(raw_payload -> 'status') collate "C" as status,
  supasaasy.as_stripe_key(raw_payload -> 'currency') collate "C" as currency,
  supasaasy.as_bigint(raw_payload -> 'amount') as amount,
  supasaasy.as_bigint(raw_payload -> 'amount_capturable') as amount_capturable,
  supasaasy.as_bigint(raw_payload -> 'amount_received') as amount_received,
  supasaasy.as_bigint(raw_payload -> 'application_fee_amount') as application_fee_amount,
  supasaasy.as_stripe_key(raw_payload -> 'capture_method') collate "C" as capture_method,
  supasaasy.as_stripe_key(raw_payload -> 'confirmation_method') collate "C" as confirmation_method,
  supasaasy.as_stripe_key(raw_payload -> 'setup_future_usage') collate "C" as setup_future_usage,
  supasaasy.as_text(raw_payload -> 'description') as description,
  supasaasy.as_text(raw_payload -> 'receipt_email') as receipt_email,
  supasaasy.as_stripe_key(raw_payload -> 'cancellation_reason') collate "C" as cancellation_reason,
  supasaasy.as_timestamp(raw_payload -> 'canceled_at') as canceled_at,
  supasaasy.as_stripe_key(raw_payload #> '{last_payment_error,code}') collate "C" as last_error_code,
  supasaasy.as_text(raw_payload #> '{last_payment_error,message}') as last_error_message,
  supasaasy.as_stripe_key(raw_payload -> 'transfer_group') collate "C" as transfer_group,
  supasaasy.as_boolean(raw_payload -> 'livemode') as livemode,
  source_created_at as created,
  raw_payload -> 'metadata' as metadata,
  archived_at,
  updated_at as synced_at,
  raw_payload
from supasaasy.entities where collection_key = 'stripe_payment_intent' and deleted_at is null;

create or replace view supasaasy.stripe_setup_intents with (security_invoker = true) as select
  app_key,
  external_id as id,
  supasaasy.as_stripe_key(raw_payload -> 'customer') collate "C" as customer_id,
  supasaasy.as_stripe_key(raw_payload -> 'payment_method') collate "C" as payment_method_id,
  supasaasy.as_stripe_key(raw_payload -> 'mandate') collate "C" as mandate_id,
  supasaasy.as_stripe_key(raw_payload -> 'latest_attempt') collate "C" as latest_attempt_id,
  supasaasy.as_stripe_key(raw_payload -> 'status') collate "C" as status,
  supasaasy.as_stripe_key(raw_payload -> 'usage') collate "C" as usage,
  supasaasy.as_text(raw_payload -> 'description') as description,
  supasaasy.as_stripe_key(raw_payload -> 'cancellation_reason') collate "C" as cancellation_reason,
  supasaasy.as_stripe_key(raw_payload #> '{last_setup_error,code}') collate "C" as last_error_code,
  supasaasy.as_boolean(raw_payload -> 'livemode') as livemode,
  source_created_at as created,
  raw_payload -> 'metadata' as metadata,
  archived_at,
  updated_at as synced_at,
  raw_payload
from supasaasy.entities where collection_key = 'stripe_setup_intent' and deleted_at is null;

create or replace view supasaasy.stripe_checkout_sessions with (security_invoker = true) as select
  app_key,
  external_id as id,
  supasaasy.as_stripe_key(raw_payload -> 'customer') collate "C" as customer_id,
  supasaasy.as_stripe_key(raw_payload -> 'payment_intent') collate "C" as payment_intent_id,
  supasaasy.as_stripe_key(raw_payload -> 'setup_intent') collate "C" as setup_intent_id,
  supasaasy.as_stripe_key(raw_payload -> 'subscription') collate "C" as subscription_id,
  supasaasy.as_stripe_key(raw_payload -> 'invoice') collate "C" as invoice_id,
  supasaasy.as_stripe_key(raw_payload -> 'payment_link') collate "C" as payment_link_id,
  supasaasy.as_stripe_key(raw_payload -> 'mode') collate "C" as mode,
  supasaasy.as_stripe_key(raw_payload -> 'status') collate "C" as status,
  supasaasy.as_stripe_key(raw_payload -> 'payment_status') collate "C" as payment_status,
  supasaasy.as_stripe_key(raw_payload -> 'ui_mode') collate "C" as ui_mode,
  supasaasy.as_stripe_key(raw_payload -> 'currency') collate "C" as currency,
  supasaasy.as_bigint(raw_payload -> 'amount_subtotal') as amount_subtotal,
  supasaasy.as_bigint(raw_payload -> 'amount_total') as amount_total,
  supasaasy.as_bigint(raw_payload #> '{total_details,amount_discount}') as amount_discount,
  supasaasy.as_bigint(raw_payload #> '{total_details,amount_tax}') as amount_tax,
  supasaasy.as_bigint(raw_payload #> '{total_details,amount_shipping}') as amount_shipping,
  coalesce(supasaasy.as_text(raw_payload #> '{customer_details,email}'), supasaasy.as_text(raw_payload -> 'customer_email')) as customer_email,
  supasaasy.as_text(raw_payload #> '{customer_details,name}') as customer_name,
  supasaasy.as_stripe_key(raw_payload -> 'client_reference_id') collate "C" as client_reference_id,
  supasaasy.as_text(raw_payload -> 'url') as url,
  supasaasy.as_timestamp(raw_payload -> 'expires_at') as expires_at,
  supasaasy.as_boolean(raw_payload -> 'livemode') as livemode,
  source_created_at as created,
  raw_payload -> 'metadata' as metadata,
  archived_at,
  updated_at as synced_at,
  raw_payload
from supasaasy.entities where collection_key = 'stripe_checkout_session' and deleted_at is null;

create or replace view supasaasy.stripe_checkout_line_items with (security_invoker = true) as select
  app_key,
  external_id as id,
  parent_id as checkout_session_id,
  supasaasy.as_stripe_key(raw_payload -> 'price') collate "C" as price_id,
  supasaasy.as_stripe_key(raw_payload #> '{price,product}') collate "C" as product_id,
  supasaasy.as_text(raw_payload -> 'description') as description,
  supasaasy.as_stripe_key(raw_payload -> 'currency') collate "C" as currency,
  supasaasy.as_bigint(raw_payload -> 'quantity') as quantity,
  supasaasy.as_bigint(raw_payload -> 'amount_subtotal') as amount_subtotal,
  supasaasy.as_bigint(raw_payload -> 'amount_discount') as amount_discount,
  supasaasy.as_bigint(raw_payload -> 'amount_tax') as amount_tax,
  supasaasy.as_bigint(raw_payload -> 'amount_total') as amount_total,
  raw_payload -> 'metadata' as metadata,
  archived_at,
  updated_at as synced_at,
  raw_payload
from supasaasy.entities where collection_key = 'stripe_checkout_line_item' and deleted_at is null;

create or replace view supasaasy.stripe_coupons with (security_invoker = true) as select
  app_key,
  external_id as id,
  supasaasy.as_text(raw_payload -> 'name') as name,
  supasaasy.as_boolean(raw_payload -> 'valid') as valid,
  supasaasy.as_stripe_key(raw_payload -> 'duration') collate "C" as duration,
  supasaasy.as_bigint(raw_payload -> 'duration_in_months') as duration_in_months,
  supasaasy.as_stripe_key(raw_payload -> 'currency') collate "C" as currency,
  supasaasy.as_bigint(raw_payload -> 'amount_off') as amount_off,
  supasaasy.as_numeric(raw_payload -> 'percent_off') as percent_off,
  supasaasy.as_bigint(raw_payload -> 'max_redemptions') as max_redemptions,
  supasaasy.as_bigint(raw_payload -> 'times_redeemed') as times_redeemed,
  supasaasy.as_timestamp(raw_payload -> 'redeem_by') as redeem_by,
  supasaasy.as_boolean(raw_payload -> 'livemode') as livemode,
  source_created_at as created,
  raw_payload -> 'metadata' as metadata,
  archived_at,
  updated_at as synced_at,
  raw_payload
from supasaasy.entities where collection_key = 'stripe_coupon' and deleted_at is null;

-- Since 2025-09-30.clover the coupon is named in `promotion`.
create or replace view supasaasy.stripe_promotion_codes with (security_invoker = true) as select
  app_key,
  external_id as id,
  coalesce(supasaasy.as_stripe_key(raw_payload #> '{promotion,coupon}'), supasaasy.as_stripe_key(raw_payload -> 'coupon')) collate "C" as coupon_id,
  supasaasy.as_stripe_key(raw_payload -> 'customer') collate "C" as customer_id,
  supasaasy.as_stripe_key(raw_payload -> 'code') collate "C" as code,
  supasaasy.as_boolean(raw_payload -> 'active') as active,
  supasaasy.as_bigint(raw_payload -> 'max_redemptions') as max_redemptions,
  supasaasy.as_bigint(raw_payload -> 'times_redeemed') as times_redeemed,
  supasaasy.as_boolean(raw_payload #> '{restrictions,first_time_transaction}') as first_time_transaction,
  supasaasy.as_bigint(raw_payload #> '{restrictions,minimum_amount}') as minimum_amount,
  supasaasy.as_stripe_key(raw_payload #> '{restrictions,minimum_amount_currency}') collate "C" as minimum_amount_currency,
  supasaasy.as_timestamp(raw_payload -> 'expires_at') as expires_at,
  supasaasy.as_boolean(raw_payload -> 'livemode') as livemode,
  source_created_at as created,
  raw_payload -> 'metadata' as metadata,
  archived_at,
  updated_at as synced_at,
  raw_payload
from supasaasy.entities where collection_key = 'stripe_promotion_code' and deleted_at is null;

create or replace view supasaasy.stripe_credit_notes with (security_invoker = true) as select
  app_key,
  external_id as id,
  supasaasy.as_stripe_key(raw_payload -> 'customer') collate "C" as customer_id,
  supasaasy.as_stripe_key(raw_payload -> 'invoice') collate "C" as invoice_id,
  coalesce(supasaasy.as_stripe_key(raw_payload -> 'refund'), supasaasy.as_stripe_key(raw_payload #> '{refunds,0,refund}')) collate "C" as refund_id,
  supasaasy.as_stripe_key(raw_payload -> 'customer_balance_transaction') collate "C" as customer_balance_transaction_id,
  supasaasy.as_stripe_key(raw_payload -> 'number') collate "C" as number,
  supasaasy.as_stripe_key(raw_payload -> 'status') collate "C" as status,
  supasaasy.as_stripe_key(raw_payload -> 'type') collate "C" as type,
  supasaasy.as_stripe_key(raw_payload -> 'reason') collate "C" as reason,
  supasaasy.as_stripe_key(raw_payload -> 'currency') collate "C" as currency,
  supasaasy.as_bigint(raw_payload -> 'amount') as amount,
  supasaasy.as_bigint(raw_payload -> 'subtotal') as subtotal,
  supasaasy.as_bigint(raw_payload -> 'discount_amount') as discount_amount,
  supasaasy.as_bigint(raw_payload -> 'total') as total,
  supasaasy.as_bigint(raw_payload -> 'out_of_band_amount') as out_of_band_amount,
  supasaasy.as_text(raw_payload -> 'memo') as memo,
  supasaasy.as_text(raw_payload -> 'pdf') as pdf,
  supasaasy.as_timestamp(raw_payload -> 'effective_at') as effective_at,
  supasaasy.as_timestamp(raw_payload -> 'voided_at') as voided_at,
  supasaasy.as_boolean(raw_payload -> 'livemode') as livemode,
  source_created_at as created,
  raw_payload -> 'metadata' as metadata,
  archived_at,
  updated_at as synced_at,
  raw_payload
from supasaasy.entities where collection_key = 'stripe_credit_note' and deleted_at is null;

create or replace view supasaasy.stripe_quotes with (security_invoker = true) as select
  app_key,
  external_id as id,
  supasaasy.as_stripe_key(raw_payload -> 'customer') collate "C" as customer_id,
  supasaasy.as_stripe_key(raw_payload -> 'invoice') collate "C" as invoice_id,
  supasaasy.as_stripe_key(raw_payload -> 'subscription') collate "C" as subscription_id,
  supasaasy.as_stripe_key(raw_payload -> 'subscription_schedule') collate "C" as subscription_schedule_id,
  supasaasy.as_stripe_key(raw_payload -> 'number') collate "C" as number,
  supasaasy.as_stripe_key(raw_payload -> 'status') collate "C" as status,
  supasaasy.as_stripe_key(raw_payload -> 'collection_method') collate "C" as collection_method,
  supasaasy.as_stripe_key(raw_payload -> 'currency') collate "C" as currency,
  supasaasy.as_bigint(raw_payload -> 'amount_subtotal') as amount_subtotal,
  supasaasy.as_bigint(raw_payload -> 'amount_total') as amount_total,
  supasaasy.as_text(raw_payload -> 'description') as description,
  supasaasy.as_timestamp(raw_payload -> 'expires_at') as expires_at,
  supasaasy.as_timestamp(raw_payload #> '{status_transitions,finalized_at}') as finalized_at,
  supasaasy.as_timestamp(raw_payload #> '{status_transitions,accepted_at}') as accepted_at,
  supasaasy.as_timestamp(raw_payload #> '{status_transitions,canceled_at}') as canceled_at,
  supasaasy.as_boolean(raw_payload -> 'livemode') as livemode,
  source_created_at as created,
  raw_payload -> 'metadata' as metadata,
  archived_at,
  updated_at as synced_at,
  raw_payload
from supasaasy.entities where collection_key = 'stripe_quote' and deleted_at is null;

create or replace view supasaasy.stripe_tax_rates with (security_invoker = true) as select
  app_key,
  external_id as id,
  supasaasy.as_text(raw_payload -> 'display_name') as display_name,
  supasaasy.as_text(raw_payload -> 'description') as description,
  supasaasy.as_boolean(raw_payload -> 'active') as active,
  supasaasy.as_boolean(raw_payload -> 'inclusive') as inclusive,
  supasaasy.as_numeric(raw_payload -> 'percentage') as percentage,
  supasaasy.as_numeric(raw_payload -> 'effective_percentage') as effective_percentage,
  supasaasy.as_stripe_key(raw_payload -> 'tax_type') collate "C" as tax_type,
  supasaasy.as_stripe_key(raw_payload -> 'rate_type') collate "C" as rate_type,
  supasaasy.as_stripe_key(raw_payload -> 'country') collate "C" as country,
  supasaasy.as_text(raw_payload -> 'state') as state,
  supasaasy.as_text(raw_payload -> 'jurisdiction') as jurisdiction,
  supasaasy.as_boolean(raw_payload -> 'livemode') as livemode,
  source_created_at as created,
  raw_payload -> 'metadata' as metadata,
  archived_at,
  updated_at as synced_at,
  raw_payload
from supasaasy.entities where collection_key = 'stripe_tax_rate' and deleted_at is null;

create or replace view supasaasy.stripe_tax_ids with (security_invoker = true) as select
  app_key,
  external_id as id,
  parent_id as customer_id,
  supasaasy.as_stripe_key(raw_payload #> '{owner,type}') collate "C" as owner_type,
  supasaasy.as_stripe_key(raw_payload -> 'type') collate "C" as type,
  supasaasy.as_text(raw_payload -> 'value') as value,
  supasaasy.as_stripe_key(raw_payload -> 'country') collate "C" as country,
  supasaasy.as_stripe_key(raw_payload #> '{verification,status}') collate "C" as verification_status,
  supasaasy.as_text(raw_payload #> '{verification,verified_name}') as verified_name,
  supasaasy.as_boolean(raw_payload -> 'livemode') as livemode,
  source_created_at as created,
  archived_at,
  updated_at as synced_at,
  raw_payload
from supasaasy.entities where collection_key = 'stripe_tax_id' and deleted_at is null;

create or replace view supasaasy.stripe_balance_transactions with (security_invoker = true) as select
  app_key,
  external_id as id,
  supasaasy.as_stripe_key(raw_payload -> 'source') collate "C" as source_id,
  supasaasy.as_stripe_key(raw_payload -> 'type') collate "C" as type,
  supasaasy.as_stripe_key(raw_payload -> 'reporting_category') collate "C" as reporting_category,
  supasaasy.as_stripe_key(raw_payload -> 'status') collate "C" as status,
  supasaasy.as_stripe_key(raw_payload -> 'currency') collate "C" as currency,
  supasaasy.as_bigint(raw_payload -> 'amount') as amount,
  supasaasy.as_bigint(raw_payload -> 'fee') as fee,
  supasaasy.as_bigint(raw_payload -> 'net') as net,
  supasaasy.as_numeric(raw_payload -> 'exchange_rate') as exchange_rate,
  supasaasy.as_text(raw_payload -> 'description') as description,
  supasaasy.as_timestamp(raw_payload -> 'available_on') as available_on,
  source_created_at as created,
  archived_at,
  updated_at as synced_at,
  raw_payload
from supasaasy.entities where collection_key = 'stripe_balance_transaction' and deleted_at is null;

create or replace view supasaasy.stripe_payouts with (security_invoker = true) as select
  app_key,
  external_id as id,
  supasaasy.as_stripe_key(raw_payload -> 'destination') collate "C" as destination_id,
  supasaasy.as_stripe_key(raw_payload -> 'balance_transaction') collate "C" as balance_transaction_id,
  supasaasy.as_stripe_key(raw_payload -> 'failure_balance_transaction') collate "C" as failure_balance_transaction_id,
  supasaasy.as_stripe_key(raw_payload -> 'original_payout') collate "C" as original_payout_id,
  supasaasy.as_stripe_key(raw_payload -> 'reversed_by') collate "C" as reversed_by_id,
  supasaasy.as_stripe_key(raw_payload -> 'status') collate "C" as status,
  supasaasy.as_stripe_key(raw_payload -> 'type') collate "C" as type,
  supasaasy.as_stripe_key(raw_payload -> 'method') collate "C" as method,
  supasaasy.as_boolean(raw_payload -> 'automatic') as automatic,
  supasaasy.as_stripe_key(raw_payload -> 'currency') collate "C" as currency,
  supasaasy.as_bigint(raw_payload -> 'amount') as amount,
  supasaasy.as_text(raw_payload -> 'description') as description,
  supasaasy.as_text(raw_payload -> 'statement_descriptor') as statement_descriptor,
  supasaasy.as_stripe_key(raw_payload -> 'failure_code') collate "C" as failure_code,
  supasaasy.as_text(raw_payload -> 'failure_message') as failure_message,
  supasaasy.as_stripe_key(raw_payload -> 'reconciliation_status') collate "C" as reconciliation_status,
  supasaasy.as_timestamp(raw_payload -> 'arrival_date') as arrival_date,
  supasaasy.as_boolean(raw_payload -> 'livemode') as livemode,
  source_created_at as created,
  raw_payload -> 'metadata' as metadata,
  archived_at,
  updated_at as synced_at,
  raw_payload
from supasaasy.entities where collection_key = 'stripe_payout' and deleted_at is null;

create or replace view supasaasy.stripe_transfers with (security_invoker = true) as select
  app_key,
  external_id as id,
  supasaasy.as_stripe_key(raw_payload -> 'destination') collate "C" as destination_id,
  supasaasy.as_stripe_key(raw_payload -> 'destination_payment') collate "C" as destination_payment_id,
  supasaasy.as_stripe_key(raw_payload -> 'source_transaction') collate "C" as source_transaction_id,
  supasaasy.as_stripe_key(raw_payload -> 'balance_transaction') collate "C" as balance_transaction_id,
  supasaasy.as_stripe_key(raw_payload -> 'currency') collate "C" as currency,
  supasaasy.as_bigint(raw_payload -> 'amount') as amount,
  supasaasy.as_bigint(raw_payload -> 'amount_reversed') as amount_reversed,
  supasaasy.as_boolean(raw_payload -> 'reversed') as reversed,
  supasaasy.as_text(raw_payload -> 'description') as description,
  supasaasy.as_stripe_key(raw_payload -> 'source_type') collate "C" as source_type,
  supasaasy.as_stripe_key(raw_payload -> 'transfer_group') collate "C" as transfer_group,
  supasaasy.as_boolean(raw_payload -> 'livemode') as livemode,
  source_created_at as created,
  raw_payload -> 'metadata' as metadata,
  archived_at,
  updated_at as synced_at,
  raw_payload
from supasaasy.entities where collection_key = 'stripe_transfer' and deleted_at is null;

create or replace view supasaasy.stripe_reviews with (security_invoker = true) as select
  app_key,
  external_id as id,
  supasaasy.as_stripe_key(raw_payload -> 'charge') collate "C" as charge_id,
  supasaasy.as_stripe_key(raw_payload -> 'payment_intent') collate "C" as payment_intent_id,
  supasaasy.as_boolean(raw_payload -> 'open') as open,
  supasaasy.as_stripe_key(raw_payload -> 'reason') collate "C" as reason,
  supasaasy.as_stripe_key(raw_payload -> 'opened_reason') collate "C" as opened_reason,
  supasaasy.as_stripe_key(raw_payload -> 'closed_reason') collate "C" as closed_reason,
  supasaasy.as_text(raw_payload -> 'ip_address') as ip_address,
  supasaasy.as_text(raw_payload -> 'billing_zip') as billing_zip,
  supasaasy.as_boolean(raw_payload -> 'livemode') as livemode,
  source_created_at as created,
  archived_at,
  updated_at as synced_at,
  raw_payload
from supasaasy.entities where collection_key = 'stripe_review' and deleted_at is null;

create or replace view supasaasy.stripe_early_fraud_warnings with (security_invoker = true) as select
  app_key,
  external_id as id,
  supasaasy.as_stripe_key(raw_payload -> 'charge') collate "C" as charge_id,
  supasaasy.as_stripe_key(raw_payload -> 'payment_intent') collate "C" as payment_intent_id,
  supasaasy.as_stripe_key(raw_payload -> 'fraud_type') collate "C" as fraud_type,
  supasaasy.as_boolean(raw_payload -> 'actionable') as actionable,
  supasaasy.as_boolean(raw_payload -> 'livemode') as livemode,
  source_created_at as created,
  archived_at,
  updated_at as synced_at,
  raw_payload
from supasaasy.entities where collection_key = 'stripe_early_fraud_warning' and deleted_at is null;
