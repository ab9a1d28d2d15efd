import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { guessNext } from '../../src/engine/sync/guess-next.ts';

const NEXT = { style: 'last_id', more: ['has_more'] } as const;
const guess = (text: string) => guessNext(new TextEncoder().encode(text), ['id'], NEXT);
/** Whatever lies in records: braces, brackets, quotes and backslashes in strings, lists in lists. */
const record = fc.record({ id: fc.string({ minLength: 1 }), rest: fc.jsonValue({ maxDepth: 3 }) });

describe('the next page, guessed from the end of an answer', () => {
  it('is the last id where there is more, and none where there is not, whatever the records hold', () => {
    fc.assert(
      fc.property(
        fc.array(record, { minLength: 1, maxLength: 6 }),
        fc.boolean(),
        fc.boolean(),
        fc.constantFrom(undefined, 2),
        (data, has_more, first, indent) => {
          const page = first
            ? { object: 'list', has_more, data }
            : { object: 'list', data, has_more, url: '/v1/things' };
          expect(guess(JSON.stringify(page, undefined, indent))).toBe(has_more ? data.at(-1)?.id : undefined);
        },
      ),
    );
  });

  it('is never another one for an answer that was cut off, and none for one that is empty or no JSON', () => {
    const whole = '{"data":[{"id":"a"},{"id":"b"}],"has_more":true}';
    for (let end = 0; end < whole.length; end += 1) expect([undefined, 'b']).toContain(guess(whole.slice(0, end)));
    expect(guess(whole)).toBe('b');
    expect(guess('{"data":[],"has_more":true}')).toBeUndefined();
    expect(guess('<html>"has_more":true]}</html>')).toBeUndefined();
  });
});
