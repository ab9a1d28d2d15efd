-- Indexes for the joins and filters of the views, on exactly their expressions (else the planner does not see that
-- they are the same). Ids and codes have collation "C", as external_id has, so that a join finds them. The parent of a
-- child (an item's subscription, a line's invoice) is indexed with the entities themselves, and so is every id.

create index if not exists stripe_customer_email on supasaasy.entities_stripe_customer ((supasaasy.as_stripe_key(raw_payload -> 'email') collate "C"), app_key);
create index if not exists stripe_customer_created_at on supasaasy.entities_stripe_customer (source_created_at, app_key);

create index if not exists stripe_price_product on supasaasy.entities_stripe_price ((supasaasy.as_stripe_key(raw_payload -> 'product') collate "C"), app_key);

create index if not exists stripe_plan_product on supasaasy.entities_stripe_plan ((supasaasy.as_stripe_key(raw_payload -> 'product') collate "C"), app_key);

create index if not exists stripe_subscription_customer on supasaasy.entities_stripe_subscription ((supasaasy.as_stripe_key(raw_payload -> 'customer') collate "C"), app_key);
create index if not exists stripe_subscription_status on supasaasy.entities_stripe_subscription ((supasaasy.as_stripe_key(raw_payload -> 'status') collate "C"), app_key);
create index if not exists stripe_subscription_created_at on supasaasy.entities_stripe_subscription (source_created_at, app_key);

create index if not exists stripe_subscription_item_price on supasaasy.entities_stripe_subscription_item ((coalesce(supasaasy.as_stripe_key(raw_payload -> 'price'), supasaasy.as_stripe_key(raw_payload -> 'plan')) collate "C"), app_key);

create index if not exists stripe_subscription_schedule_customer on supasaasy.entities_stripe_subscription_schedule ((supasaasy.as_stripe_key(raw_payload -> 'customer') collate "C"), app_key);
create index if not exists stripe_subscription_schedule_subscription on supasaasy.entities_stripe_subscription_schedule ((supasaasy.as_stripe_key(raw_payload -> 'subscription') collate "C"), app_key);

create index if not exists stripe_invoice_customer on supasaasy.entities_stripe_invoice ((supasaasy.as_stripe_key(raw_payload -> 'customer') collate "C"), app_key);
create index if not exists stripe_invoice_subscription on supasaasy.entities_stripe_invoice ((coalesce(supasaasy.as_stripe_key(raw_payload -> 'subscription'), supasaasy.as_stripe_key(raw_payload #> '{parent,subscription_details,subscription}')) collate "C"), app_key);
create index if not exists stripe_invoice_status on supasaasy.entities_stripe_invoice ((supasaasy.as_stripe_key(raw_payload -> 'status') collate "C"), app_key);
create index if not exists stripe_invoice_created_at on supasaasy.entities_stripe_invoice (source_created_at, app_key);

create index if not exists stripe_invoice_line_item_price on supasaasy.entities_stripe_invoice_line_item ((coalesce(supasaasy.as_stripe_key(raw_payload -> 'price'), supasaasy.as_stripe_key(raw_payload #> '{pricing,price_details,price}'), supasaasy.as_stripe_key(raw_payload -> 'plan')) collate "C"), app_key);
create index if not exists stripe_invoice_line_item_subscription on supasaasy.entities_stripe_invoice_line_item ((coalesce(supasaasy.as_stripe_key(raw_payload -> 'subscription'), supasaasy.as_stripe_key(raw_payload #> '{parent,subscription_item_details,subscription}'), supasaasy.as_stripe_key(raw_payload #> '{parent,invoice_item_details,subscription}')) collate "C"), app_key);

create index if not exists stripe_invoice_item_customer on supasaasy.entities_stripe_invoice_item ((supasaasy.as_stripe_key(raw_payload -> 'customer') collate "C"), app_key);
create index if not exists stripe_invoice_item_invoice on supasaasy.entities_stripe_invoice_item ((supasaasy.as_stripe_key(raw_payload -> 'invoice') collate "C"), app_key);

create index if not exists stripe_charge_customer on supasaasy.entities_stripe_charge ((supasaasy.as_stripe_key(raw_payload -> 'customer') collate "C"), app_key);
create index if not exists stripe_charge_payment_intent on supasaasy.entities_stripe_charge ((supasaasy.as_stripe_key(raw_payload -> 'payment_intent') collate "C"), app_key);
create index if not exists stripe_charge_status on supasaasy.entities_stripe_charge ((supasaasy.as_stripe_key(raw_payload -> 'status') collate "C"), app_key);
create index if not exists stripe_charge_created_at on supasaasy.entities_stripe_charge (source_created_at, app_key);

create index if not exists stripe_refund_charge on supasaasy.entities_stripe_refund ((supasaasy.as_stripe_key(raw_payload -> 'charge') collate "C"), app_key);
create index if not exists stripe_refund_payment_intent on supasaasy.entities_stripe_refund ((supasaasy.as_stripe_key(raw_payload -> 'payment_intent') collate "C"), app_key);
create index if not exists stripe_refund_created_at on supasaasy.entities_stripe_refund (source_created_at, app_key);

create index if not exists stripe_dispute_charge on supasaasy.entities_stripe_dispute ((supasaasy.as_stripe_key(raw_payload -> 'charge') collate "C"), app_key);
create index if not exists stripe_dispute_status on supasaasy.entities_stripe_dispute ((supasaasy.as_stripe_key(raw_payload -> 'status') collate "C"), app_key);
create index if not exists stripe_dispute_created_at on supasaasy.entities_stripe_dispute (source_created_at, app_key);

create index if not exists stripe_payment_intent_customer on supasaasy.entities_stripe_payment_intent ((supasaasy.as_stripe_key(raw_payload -> 'customer') collate "C"), app_key);
create index if not exists stripe_payment_intent_status on supasaasy.entities_stripe_payment_intent ((supasaasy.as_stripe_key(raw_payload -> 'status') collate "C"), app_key);
create index if not exists stripe_payment_intent_created_at on supasaasy.entities_stripe_payment_intent (source_created_at, app_key);

create index if not exists stripe_setup_intent_customer on supasaasy.entities_stripe_setup_intent ((supasaasy.as_stripe_key(raw_payload -> 'customer') collate "C"), app_key);
create index if not exists stripe_setup_intent_created_at on supasaasy.entities_stripe_setup_intent (source_created_at, app_key);

create index if not exists stripe_checkout_session_customer on supasaasy.entities_stripe_checkout_session ((supasaasy.as_stripe_key(raw_payload -> 'customer') collate "C"), app_key);
create index if not exists stripe_checkout_session_payment_intent on supasaasy.entities_stripe_checkout_session ((supasaasy.as_stripe_key(raw_payload -> 'payment_intent') collate "C"), app_key);
create index if not exists stripe_checkout_session_subscription on supasaasy.entities_stripe_checkout_session ((supasaasy.as_stripe_key(raw_payload -> 'subscription') collate "C"), app_key);
create index if not exists stripe_checkout_session_created_at on supasaasy.entities_stripe_checkout_session (source_created_at, app_key);

create index if not exists stripe_checkout_line_item_price on supasaasy.entities_stripe_checkout_line_item ((supasaasy.as_stripe_key(raw_payload -> 'price') collate "C"), app_key);

create index if not exists stripe_promotion_code_coupon on supasaasy.entities_stripe_promotion_code ((coalesce(supasaasy.as_stripe_key(raw_payload #> '{promotion,coupon}'), supasaasy.as_stripe_key(raw_payload -> 'coupon')) collate "C"), app_key);
create index if not exists stripe_promotion_code_code on supasaasy.entities_stripe_promotion_code ((supasaasy.as_stripe_key(raw_payload -> 'code') collate "C"), app_key);

create index if not exists stripe_credit_note_invoice on supasaasy.entities_stripe_credit_note ((supasaasy.as_stripe_key(raw_payload -> 'invoice') collate "C"), app_key);
create index if not exists stripe_credit_note_customer on supasaasy.entities_stripe_credit_note ((supasaasy.as_stripe_key(raw_payload -> 'customer') collate "C"), app_key);

create index if not exists stripe_quote_customer on supasaasy.entities_stripe_quote ((supasaasy.as_stripe_key(raw_payload -> 'customer') collate "C"), app_key);

create index if not exists stripe_balance_transaction_source on supasaasy.entities_stripe_balance_transaction ((supasaasy.as_stripe_key(raw_payload -> 'source') collate "C"), app_key);
create index if not exists stripe_balance_transaction_created_at on supasaasy.entities_stripe_balance_transaction (source_created_at, app_key);

create index if not exists stripe_payout_status on supasaasy.entities_stripe_payout ((supasaasy.as_stripe_key(raw_payload -> 'status') collate "C"), app_key);
create index if not exists stripe_payout_created_at on supasaasy.entities_stripe_payout (source_created_at, app_key);

create index if not exists stripe_transfer_destination on supasaasy.entities_stripe_transfer ((supasaasy.as_stripe_key(raw_payload -> 'destination') collate "C"), app_key);
create index if not exists stripe_transfer_created_at on supasaasy.entities_stripe_transfer (source_created_at, app_key);

create index if not exists stripe_review_charge on supasaasy.entities_stripe_review ((supasaasy.as_stripe_key(raw_payload -> 'charge') collate "C"), app_key);

create index if not exists stripe_early_fraud_warning_charge on supasaasy.entities_stripe_early_fraud_warning ((supasaasy.as_stripe_key(raw_payload -> 'charge') collate "C"), app_key);
