import fc from 'fast-check';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { instantMs, isoMs, widthMs } from '../../src/kit/instant.ts';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';
import { PROPERTY_TIMEOUT_MS, runs } from '../support/runs.ts';

vi.setConfig({ testTimeout: PROPERTY_TIMEOUT_MS });

const BATCH = 500;
const SESSIONS = [
  { TimeZone: 'UTC', DateStyle: 'ISO, MDY' },
  { TimeZone: 'Asia/Kolkata', DateStyle: 'SQL, DMY' },
  { TimeZone: 'America/St_Johns', DateStyle: 'German' },
];

const digits = (size: number, max: number) => fc.nat({ max }).map((n) => String(n).padStart(size, '0'));
const one = (...texts: string[]) => fc.constantFrom(...texts);
/** Mostly what the grammar allows, and at each place now and then what it does not. */
const year = fc.oneof(
  digits(4, 9999),
  one('0000', '0001', '0004', '1900', '1969', '1970', '2000', '2023', '2024', '9999'),
);
const month = fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 1, max: 12 }) }, { weight: 1, arbitrary: fc.nat(99) });
const day = fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 1, max: 31 }) }, { weight: 1, arbitrary: fc.nat(99) });
const hour = fc.oneof({ weight: 9, arbitrary: digits(2, 24) }, { weight: 1, arbitrary: digits(2, 99) });
const sexagesimal = fc.oneof({ weight: 9, arbitrary: digits(2, 60) }, { weight: 1, arbitrary: digits(2, 99) });
const fraction = fc
  .tuple(one('.', '.', '.', ',', ''), fc.array(fc.nat(9), { maxLength: 12 }))
  .map(([mark, tail]) => mark + tail.join(''));
const zone = fc.oneof(
  one('Z', 'z', ' Z', '', 'UTC', 'Z ', '+00', '-00:00', '+14:00', '-12:00', '+23:59', '+24:00', '−02:00', '+5'),
  fc
    .tuple(one('+', '-', ' +'), digits(2, 24), one('', ':'), fc.option(digits(2, 61), { nil: '' }))
    .map((p) => p.join('')),
);
const time = fc
  .tuple(
    one('T', 'T', 'T', 't', ' ', '', '_', '  '),
    hour,
    one(':', ':', ':', ''),
    sexagesimal,
    fc.option(fc.tuple(sexagesimal, fraction)),
    zone,
  )
  .map(([mark, h, colon, m, s, z]) => `${mark}${h}${colon}${m}${s === null ? '' : `:${s[0]}${s[1]}`}${z}`);
const two = (n: number) => String(n).padStart(2, '0');
const written = fc
  .tuple(year, month, day, fc.option(time, { nil: '' }))
  .map(([y, m, d, t]) => `${y}-${two(m)}-${two(d)}${t}`);
const spoilt = fc
  .tuple(written, fc.nat(40), fc.oneof(fc.string({ maxLength: 2 }), one('٣', '\n', ' ', '/', '+', '९')))
  .map(([text, at, noise]) => text.slice(0, at) + noise + text.slice(at + 1));
const storable = (text: string) => !text.includes('\0') && !/\p{Surrogate}/u.test(text);
const isoText = fc
  .oneof({ weight: 8, arbitrary: written }, { weight: 3, arbitrary: spoilt }, { weight: 1, arbitrary: fc.string() })
  .filter(storable);

const number = fc.oneof(
  fc.integer({ min: -63_000_000_000, max: 260_000_000_000 }),
  fc.integer({ min: -63_000_000_000_000, max: 260_000_000_000_000 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.double({ min: -63_000_000_000, max: 260_000_000_000, noNaN: true }),
  fc.tuple(fc.integer({ min: -2_000_000_000, max: 2_000_000_000 }), fc.nat(9999)).map(([s, f]) => s + f / 1000),
  one('-62167219200', '-62167219200.0001', '253402300799.9999', '253402300800').map(Number),
);

describeEachDatabase('an instant', (make) => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await make({ template: 'engine' });
  });

  async function bySql(values: readonly unknown[], unit: string, session: Record<string, string>) {
    return await db.database.transaction(async (tx) => {
      for (const [name, value] of Object.entries(session))
        await tx.query('select set_config($1, $2, true)', [name, value]);
      const [row] = await tx.query<{ found: (number | null)[] }>(
        `select jsonb_agg(supasaasy.instant_ms(value, $2) order by n) as found
         from jsonb_array_elements($1::jsonb) with ordinality x(value, n)`,
        [JSON.stringify(values), unit],
      );
      return row?.found;
    });
  }

  it('C3: is the same in SQL and in TypeScript, for 10,500 texts and under other settings of the session', async () => {
    let valid = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(isoText, { minLength: BATCH, maxLength: BATCH }), fc.nat(2), async (texts, n) => {
        const ours = texts.map(isoMs);
        valid += ours.filter((ms) => ms !== null).length;
        const theirs = await bySql(texts, 'iso', SESSIONS[n] ?? {});
        const differing = texts.flatMap((text, i) =>
          theirs?.[i] === ours[i] ? [] : [`${JSON.stringify(text)}: SQL ${theirs?.[i]}, TypeScript ${ours[i]}`],
        );
        expect(differing).toEqual([]);
      }),
      runs(21),
    );
    expect(valid).toBeGreaterThan(BATCH);
  });

  it('C3: is the same in SQL and in TypeScript for numbers of seconds and milliseconds', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(number, { minLength: BATCH, maxLength: BATCH }),
        one('s', 'ms'),
        async (values, unit) => {
          const sent = values.filter((value) => !Object.is(value, -0));
          const ours = sent.map((value) => instantMs(value, unit as 's' | 'ms'));
          const theirs = await bySql(sent, unit, SESSIONS[1] ?? {});
          const differing = sent.flatMap((value, i) =>
            theirs?.[i] === ours[i] ? [] : [`${value} ${unit}: SQL ${theirs?.[i]}, TypeScript ${ours[i]}`],
          );
          expect(differing).toEqual([]);
        },
      ),
      runs(10),
    );
  });

  it('C4: is as exact in SQL as in TypeScript, by what is written', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(isoText, { minLength: BATCH, maxLength: BATCH }), async (texts) => {
        const valid = texts.filter((text) => isoMs(text) !== null);
        const [row] = await db.query<{ widths: number[] }>(
          `select coalesce(jsonb_agg(supasaasy.iso_width(value) order by n), '[]') as widths
           from jsonb_array_elements($1::jsonb) with ordinality x(value, n)`,
          [JSON.stringify(valid)],
        );
        const ours = valid.map((text) => widthMs(text, { path: [], unit: 'iso' }));
        expect(valid.filter((_, i) => row?.widths[i] !== ours[i])).toEqual([]);
      }),
      runs(10),
    );
  });

  it('C3: is in SQL what the written rule says', async () => {
    expect(await bySql(Object.keys(RULE), 'iso', SESSIONS[2] ?? {})).toEqual(expected());
  });
});

const utc = (iso: string) => new Date(iso).getTime();
/** What ISO 8601 means here. */
const RULE: Readonly<Record<string, number | null>> = {
  '2024-01-28T10:00:00Z': utc('2024-01-28T10:00:00.000Z'),
  '2024-01-29T10:00:00Z': utc('2024-01-29T10:00:00.000Z'),
  '2024-01-30T10:00:00Z': utc('2024-01-30T10:00:00.000Z'),
  '2024-01-31T10:00:00Z': utc('2024-01-31T10:00:00.000Z'),
  '2024-02-29T00:00:00Z': utc('2024-02-29T00:00:00.000Z'),
  '2000-02-29T00:00:00Z': utc('2000-02-29T00:00:00.000Z'),
  '1900-02-29T00:00:00Z': null,
  '2023-02-29T00:00:00Z': null,
  '2024-04-31T00:00:00Z': null,
  '2024-13-01T00:00:00Z': null,
  '2024-00-01T00:00:00Z': null,
  '2024-01-00T00:00:00Z': null,
  '2024-01-29': utc('2024-01-29T00:00:00.000Z'),
  '2024-01-29T10:00Z': utc('2024-01-29T10:00:00.000Z'),
  '2024-01-29 10:00:00Z': utc('2024-01-29T10:00:00.000Z'),
  '2024-01-29 10:00:00': utc('2024-01-29T10:00:00.000Z'),
  '2024-01-29 10:00:00 +0200': utc('2024-01-29T08:00:00.000Z'),
  '2024-01-29t10:00:00z': utc('2024-01-29T10:00:00.000Z'),
  '2024-01-29T10:00:00.1234567Z': utc('2024-01-29T10:00:00.123Z'),
  '2024-01-29T10:00:00.999999999Z': utc('2024-01-29T10:00:00.999Z'),
  '2024-01-29T10:00:00,5Z': utc('2024-01-29T10:00:00.500Z'),
  '1969-12-31T23:59:59.9999Z': -1,
  '2024-01-29T10:00:00+05:30': utc('2024-01-29T04:30:00.000Z'),
  '2024-01-29T10:00:00-0330': utc('2024-01-29T13:30:00.000Z'),
  '2024-01-29T10:00:00+02': utc('2024-01-29T08:00:00.000Z'),
  '2024-01-29T24:00:00Z': utc('2024-01-30T00:00:00.000Z'),
  '2024-01-29T24:00:01Z': null,
  '2016-12-31T23:59:60Z': utc('2017-01-01T00:00:00.000Z'),
  '2016-12-31T23:59:61Z': null,
  '0000-01-01T00:00:00Z': -62_167_219_200_000,
  '0000-02-29T00:00:00Z': -62_162_121_600_000,
  '0000-01-01T00:00:00+01:00': null,
  '9999-12-31T23:59:59.999Z': 253_402_300_799_999,
  '9999-12-31T24:00:00Z': null,
  '10000-01-01T00:00:00Z': null,
  ' 2024-01-29': null,
  '2024-01-29T10:00:00Z\n': null,
  '٢٠٢٤-01-29T10:00:00Z': null,
  '20240129T100000Z': null,
  now: null,
  infinity: null,
  '': null,
};
// Integer-like keys would come first: there are none.
const expected = () => Object.values(RULE);

describe('an instant in TypeScript', () => {
  it('C3: is what the written rule says', () => {
    expect(Object.keys(RULE).map(isoMs)).toEqual(expected());
  });
});
