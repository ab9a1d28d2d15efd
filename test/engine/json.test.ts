import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ExactNumber, parseJson, stringifyJson } from '../../src/kit/json.ts';
import { jsonNumber, valueOfNumber } from '../support/json-numbers.ts';
import { runs } from '../support/runs.ts';

const jsonText: fc.Arbitrary<string> = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    jsonNumber,
    fc.oneof(fc.string(), jsonNumber, fc.constant('\\"12345678901234567890,')).map((text) => JSON.stringify(text)),
    fc.constantFrom('true', 'null', '{}', '[]'),
    fc.array(tie('value'), { maxLength: 4 }).map((items) => `[${items.join(' ,')}]`),
    fc.dictionary(fc.string(), tie('value'), { maxKeys: 4 }).map(
      (object) =>
        `{${Object.entries(object)
          .map(([key, value]) => `${JSON.stringify(key)}:${value}`)
          .join(',')}}`,
    ),
  ),
})).value;

/** The text with each number as its value. */
const values = (text: string) =>
  text.replaceAll(/"(?:[^"\\]|\\.)*"|-?\d[\d.]*(?:[eE][+-]?\d+)?/g, (token) =>
    token.startsWith('"') ? token : valueOfNumber(token),
  );
/** Without blanks, and with the keys in the order of JavaScript. */
const canonical = (text: string) => values(stringifyJson(parseJson(text)));

describe('JSON in which no number changes', () => {
  it('C31: reads and writes every number with its value', () => {
    fc.assert(
      fc.property(jsonNumber, (text) => {
        expect(valueOfNumber(stringifyJson(parseJson(text)))).toBe(valueOfNumber(text));
        expect(valueOfNumber(String(parseJson(text)))).toBe(valueOfNumber(text));
      }),
      runs(2_000),
    );
  });

  it('C31: reads and writes every value, as JSON.parse reads it where that is exact', () => {
    fc.assert(
      fc.property(jsonText, (text) => {
        const value = parseJson(text);
        expect(canonical(stringifyJson(value))).toBe(canonical(text));
        const rough = (one: unknown): unknown =>
          one instanceof ExactNumber || typeof one === 'bigint'
            ? Number(String(one))
            : Array.isArray(one)
              ? one.map(rough)
              : one !== null && typeof one === 'object'
                ? Object.fromEntries(Object.entries(one).map(([key, inner]) => [key, rough(inner)]))
                : one;
        if (!text.includes('__proto__')) expect(rough(value)).toEqual(JSON.parse(text));
      }),
      runs(2_000),
    );
  });

  it('C31: refuses what JSON.parse refuses', () => {
    fc.assert(
      fc.property(
        jsonText,
        fc.nat(60),
        fc.constantFrom('', ',', '"', '0', '-', '1e', '.', '}', '\\'),
        (text, at, noise) => {
          const spoilt = text.slice(0, at) + noise + text.slice(at + 1);
          const outcome = (parse: (text: string) => unknown) => {
            try {
              parse(spoilt);
              return 'read';
            } catch (error) {
              return (error as Error).name;
            }
          };
          expect(outcome(parseJson)).toBe(outcome(JSON.parse));
        },
      ),
      runs(2_000),
    );
  });

  it('C31: makes integers bigints, other decimals exact ones, and leaves the rest numbers', () => {
    expect(parseJson('[1, 1.5, 9007199254740992, 1e3, 1.10, 0.1, -0.0, 123456789012345680000]')).toEqual([
      1, 1.5, 9007199254740992, 1000, 1.1, 0.1, -0, 123456789012345680000,
    ]);
    expect(parseJson('{"a": 9007199254740993, "b": "9007199254740993"}')).toEqual({
      a: 9007199254740993n,
      b: '9007199254740993',
    });
    expect(parseJson('-3.14159265358979323846')).toEqual(new ExactNumber('-3.14159265358979323846'));
    expect(String(parseJson('1e400'))).toBe('1e400');
    expect(stringifyJson({ a: [9007199254740993n, new ExactNumber('0.10000000000000000001')] })).toBe(
      '{"a":[9007199254740993,0.10000000000000000001]}',
    );
    expect(stringifyJson({ a: 1n }, 2)).toBe('{\n  "a": 1\n}');
  });
});
