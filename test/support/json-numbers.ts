import fc from 'fast-check';

const digits = (min: number, max: number) =>
  fc.array(fc.nat(9), { minLength: min, maxLength: max }).map((d) => d.join(''));
const whole = digits(1, 40).map((text) => text.replace(/^0+(?=\d)/, ''));

/** Every number that JSON can write. */
export const jsonNumber: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom('', '-'),
    fc.oneof(
      whole,
      fc.bigInt({ min: 2n ** 52n, max: 2n ** 65n }).map(String),
      fc.constantFrom('0', '9007199254740993'),
    ),
    fc.option(digits(1, 25), { nil: undefined }),
    fc.option(fc.tuple(fc.constantFrom('e', 'E'), fc.constantFrom('', '+', '-'), fc.nat(400)), { nil: undefined }),
  )
  .map(([sign, n, fraction, e]) => `${sign}${n}${fraction === undefined ? '' : `.${fraction}`}${e?.join('') ?? ''}`);

/** The value of a number's text, as an integer in units of 10^-1000. */
export function valueOfNumber(text: string): string {
  const [, sign, n = '', fraction = '', e = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  if (n === '') return `no number: ${text}`;
  const value = BigInt(n + fraction) * 10n ** BigInt(1000 + Number(e) - fraction.length);
  return String(sign === '-' ? -value : value);
}
