import { hash } from '../http/random.ts';
import { createIdCodec, type IdCodec, partCode } from './ids.ts';
import { createTimeline, type Timeline } from './timeline.ts';

/** Prefix of the id, depth in the tree of belongings, and how many there are for so many customers. */
const TABLES = {
  customer: ['cus_', 0, (n: Scale) => n.customers],
  product: ['prod_', 0, (n: Scale) => n.products],
  price: ['price_', 1, (n: Scale) => n.products * 3],
  plan: ['price_', 1, (n: Scale) => n.products * 2],
  coupon: ['', 0, (n: Scale) => n.coupons],
  promotion_code: ['promo_', 1, (n: Scale) => n.coupons * 2],
  tax_rate: ['txr_', 0, (n: Scale) => n.taxRates],
  payment_method: ['pm_', 1, (n: Scale) => n.customers],
  setup_intent: ['seti_', 1, (n: Scale) => n.customers >> 2],
  tax_id: ['txi_', 1, (n: Scale) => Math.ceil(n.customers / 10)],
  subscription: ['sub_', 1, (n: Scale) => n.customers >> 1],
  subscription_schedule: ['sub_sched_', 2, (n: Scale) => Math.ceil(n.customers / 40)],
  invoice: ['in_', 2, (n: Scale) => n.customers],
  invoice_item: ['ii_', 2, (n: Scale) => Math.ceil(n.customers / 10)],
  payment_intent: ['pi_', 3, (n: Scale) => n.customers],
  charge: ['ch_', 4, (n: Scale) => n.customers],
  balance_transaction: ['txn_', 5, (n: Scale) => (n.customers / 16) * 20],
  refund: ['re_', 5, (n: Scale) => n.customers / 8],
  dispute: ['dp_', 5, (n: Scale) => Math.ceil(n.customers / 100)],
  review: ['prv_', 5, (n: Scale) => Math.ceil(n.customers / 100)],
  early_fraud_warning: ['issfr_', 5, (n: Scale) => Math.ceil(n.customers / 200)],
  payout: ['po_', 5, (n: Scale) => n.customers / 16],
  transfer: ['tr_', 5, (n: Scale) => n.customers / 16],
  checkout_session: ['cs_test_a1', 4, (n: Scale) => Math.ceil(n.customers / 6)],
  credit_note: ['cn_', 3, (n: Scale) => Math.ceil(n.customers / 60)],
  quote: ['qt_', 1, (n: Scale) => Math.ceil(n.customers / 60)],
} as const satisfies Record<string, readonly [string, number, (scale: Scale) => number]>;

/** Objects that live inside another one: their ids carry the position of the owner and their own place in it. */
const PARTS = {
  subscription_item: 'si_',
  invoice_line_item: 'il_',
  checkout_line_item: 'li_',
  credit_note_line_item: 'cnli_',
} as const;

export type TableName = keyof typeof TABLES;
export type PartName = keyof typeof PARTS;
export const TABLE_NAMES = Object.keys(TABLES) as TableName[];

export interface Scale {
  /** Rounded up to a multiple of 16. */
  readonly customers: number;
  readonly products: number;
  readonly coupons: number;
  readonly taxRates: number;
}

export interface PopulationOptions {
  readonly seed: number;
  readonly size: Partial<Scale>;
  readonly untilMs: number;
  readonly days: number;
  readonly distribution: 'even' | 'skewed';
  readonly burst: number;
  readonly customerNote: string | null;
}

/** The objects that were there at the beginning, as functions of their position. */
export interface Population {
  readonly seed: number;
  /** Description of the customers that have none of their own: how long an object is, for measurements. */
  readonly customerNote: string | null;
  readonly untilS: number;
  readonly size: Readonly<Record<TableName, number>>;
  readonly codec: Readonly<Record<TableName, IdCodec>>;
  readonly partCodec: Readonly<Record<PartName, IdCodec>>;
  readonly timeline: Readonly<Record<TableName, Timeline>>;
  id(table: TableName, position: number): string;
  at(table: TableName, position: number): number;
  partId(part: PartName, owner: number, place: number): string;
  ownerOf(part: PartName, id: string): number | undefined;
  /** Position of the parent that `child` belongs to. */
  parent(table: TableName, position: number, of: TableName): number;
  /** Positions of the children of a parent: from (inclusive) to (exclusive). */
  children(table: TableName, position: number, of: TableName): readonly [number, number];
  random(position: number, salt: number): number;
}

export function createPopulation(options: PopulationOptions): Population {
  const { seed } = options;
  const customers = Math.max(16, Math.ceil((options.size.customers ?? 2_400) / 16) * 16);
  const scale: Scale = {
    customers,
    products: options.size.products ?? Math.min(400, Math.max(20, Math.ceil(customers / 100))),
    coupons: options.size.coupons ?? Math.min(300, Math.max(12, Math.ceil(customers / 200))),
    taxRates: options.size.taxRates ?? 12,
  };
  const untilS = Math.floor(options.untilMs / 1000);
  const size = {} as Record<TableName, number>;
  const codec = {} as Record<TableName, IdCodec>;
  const timeline = {} as Record<TableName, Timeline>;
  for (const [n, name] of TABLE_NAMES.entries()) {
    const [prefix, level, sizeOf] = TABLES[name];
    size[name] = sizeOf(scale);
    codec[name] = createIdCodec(prefix, hash(seed, n, 11), prefix === '' ? 2 : 8);
    timeline[name] = createTimeline({
      size: size[name],
      fromS: untilS - options.days * 86_400,
      untilS,
      level,
      distribution: options.distribution,
      burst: options.burst,
    });
  }
  // A plan is the older face of a recurring price and has its id: of three prices of a product the first two.
  const priceCodec = codec.price;
  const priceOf = (plan: number) => (plan >> 1) * 3 + (plan & 1);
  codec.plan = {
    prefix: priceCodec.prefix,
    of: (position) => priceCodec.of(priceOf(position)),
    write: (ink, position) => priceCodec.write(ink, priceOf(position)),
    positionOf(id) {
      const price = priceCodec.positionOf(id);
      return price === undefined || price % 3 === 2 ? undefined : Math.floor(price / 3) * 2 + (price % 3);
    },
  };
  const partCodec = {} as Record<PartName, IdCodec>;
  for (const [n, name] of (Object.keys(PARTS) as PartName[]).entries())
    partCodec[name] = createIdCodec(PARTS[name], hash(seed, n, 12));

  return {
    seed,
    customerNote: options.customerNote,
    untilS,
    size,
    codec,
    partCodec,
    timeline,
    id: (table, position) => codec[table].of(position),
    at: (table, position) => timeline[table].at(position),
    partId: (part, owner, place) => partCodec[part].of(partCode(owner, place)),
    ownerOf(part, id) {
      const code = partCodec[part].positionOf(id);
      return code === undefined ? undefined : Math.floor(code / 1024);
    },
    parent: (table, position, of) => Math.floor((position * size[of]) / size[table]),
    children: (table, position, of) => [
      Math.ceil((position * size[of]) / size[table]),
      Math.ceil(((position + 1) * size[of]) / size[table]),
    ],
    random: (position, salt) => hash(seed, position, salt),
  };
}
