import { asciiJson, boolean, compileShape, nullIf, number, plain, type Slot, spelled, text } from '../../http/shape.ts';
import { id } from '../id-slots.ts';
import type { Resource, World } from '../resource.ts';

const FIRST = [
  'Ada',
  'Björn',
  'Chloé',
  'Dmitri',
  'Elif',
  'Fatima',
  'Goran',
  'Hana',
  'Íris',
  'Jamal',
  'Kenji',
  'Lucía',
  'Mei',
  'Ngozi',
  'Olu',
  'Priya',
];
const LAST = [
  'Abe',
  'Brandt',
  'Costa',
  'Dubois',
  'Eriksson',
  'Fischer',
  'Gupta',
  "O'Hara",
  'Ivanova',
  'Jensen',
  'Kowalski',
  'Łuczak',
  'Moreau',
  'Nakamura',
  'Okafor',
  'Papadopoulos',
];
const SEGMENTS = ['smb', 'mid', 'enterprise'];
const CITIES = [
  ['Berlin', 'DE', '10115'],
  ['Lyon', 'FR', '69001'],
  ['Porto', 'PT', '4000-009'],
  ['Denver', 'US', '80202'],
  ['Osaka', 'JP', '530-0001'],
  ['Leeds', 'GB', 'LS1 1BA'],
] as const;

const NAMES = LAST.flatMap((last) => FIRST.map((first) => asciiJson(`${first} ${last}`)));

/** As JSON text. */
export const nameOf = (w: World, i: number) => NAMES[w.random(i, 1) & 255] as string;

export const emailOf = (w: World, i: number) => `customer-${i}@example${w.random(i, 2) % 7}.com`;

/** The same in place. */
export const email = <F>(w: World, customerOf: (facts: F) => number): Slot<F> =>
  spelled(
    'customer-',
    number(customerOf),
    '@example',
    number((facts: F) => w.random(customerOf(facts), 2) % 7),
    '.com',
  );

/** https://docs.stripe.com/api/customers/list */
export function customer(w: World): Resource {
  const position = number((i: number) => i);
  const city = (i: number) => CITIES[w.random(i, 3) % CITIES.length] as (typeof CITIES)[number];
  return {
    table: 'customer',
    object: 'customer',
    path: '/v1/customers',
    events: 'customer',
    created: true,
    filters: {
      email: { base: (i, value) => emailOf(w, i) === value },
      test_clock: { base: (_, value) => value === '' },
    },
    write: compileShape<number>({
      id: id(w, 'customer', (i: number) => i),
      object: 'customer',
      address: {
        city: plain((i: number) => city(i)[0]),
        country: plain((i: number) => city(i)[1]),
        line1: spelled(
          number((i: number) => (w.random(i, 4) % 200) + 1),
          ' Harbour Street',
        ),
        line2: null,
        postal_code: plain((i: number) => city(i)[2]),
        state: null,
      },
      balance: number((i: number) => (w.random(i, 5) % 20 === 0 ? -(w.random(i, 6) % 5000) : 0)),
      created: number((i: number) => w.at('customer', i)),
      currency: 'usd',
      default_source: null,
      delinquent: boolean((i: number) => w.random(i, 7) % 25 === 0),
      description: nullIf(
        (i: number) => w.random(i, 8) % 3 !== 0,
        spelled('Customer number ', position, ' of the sandbox'),
        w.customerNote,
      ),
      discount: null,
      email: email(w, (i: number) => i),
      invoice_prefix: plain((i: number) => w.random(i, 9).toString(16).toUpperCase().padStart(8, '0')),
      invoice_settings: {
        custom_fields: null,
        default_payment_method: id(w, 'payment_method', (i: number) => i),
        footer: null,
        rendering_options: null,
      },
      livemode: false,
      metadata: {
        account_number: spelled(
          'A-',
          number((i: number) => 100000 + i),
        ),
        segment: plain((i: number) => SEGMENTS[w.random(i, 10) % 3] as string),
      },
      name: text((i: number) => nameOf(w, i)),
      next_invoice_sequence: number((i: number) => (w.random(i, 11) % 9) + 1),
      phone: spelled(
        '+1555',
        number((i: number) => 1000000 + (w.random(i, 12) % 9000000)),
      ),
      preferred_locales: ['en'],
      shipping: null,
      tax_exempt: 'none',
      test_clock: null,
    }),
  };
}
