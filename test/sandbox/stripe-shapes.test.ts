import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createStripeSandbox } from '../../sandbox/stripe/index.ts';

const FIXTURES = new URL('../../../shared/data/stripe-fixtures3.json', import.meta.url);
const present = existsSync(FIXTURES);

/** Name of Stripe's example, by resource of the sandbox. */
const EXAMPLES: Record<string, string> = {
  checkout_session: 'checkout.session',
  checkout_line_item: 'item',
  invoice_item: 'invoiceitem',
  invoice_line_item: 'line_item',
  early_fraud_warning: 'radar.early_fraud_warning',
};
/** Fields that an example shows and a list does not (expandable), or that have gone since. */
const ABSENT: Record<string, readonly string[]> = { charge: ['refunds'], invoice: ['subscription'] };
/** Fields that the examples, being older than the pinned version, do not have. */
const NEWER: Record<string, readonly string[]> = {
  review: ['payment_intent'],
  early_fraud_warning: ['payment_intent'],
  setup_intent: ['customer_account'],
};

/** Fields of one variant of a union, of which the examples show another. */
const VARIANTS = new Set(['price_details', 'risk_level']);

type Kind = 'null' | 'array' | 'object' | 'string' | 'number' | 'boolean';
const kindOf = (value: unknown): Kind =>
  value === null ? 'null' : Array.isArray(value) ? 'array' : (typeof value as Kind);

/** Differences in keys and types; where one side is null nothing can be said. */
function differences(
  ours: unknown,
  theirs: unknown,
  path: string,
  absent: readonly string[],
  newer: readonly string[],
): string[] {
  const [mine, stripes] = [kindOf(ours), kindOf(theirs)];
  if (mine === 'null' || stripes === 'null') return [];
  const expandable = mine === 'string' && stripes === 'object' && 'id' in (theirs as object);
  if (expandable) return [];
  if (mine !== stripes) return [`${path}: ${mine} instead of ${stripes}`];
  if (mine === 'array') {
    const [first] = theirs as unknown[];
    return first === undefined
      ? []
      : (ours as unknown[]).flatMap((element, i) => differences(element, first, `${path}[${i}]`, [], []));
  }
  if (mine !== 'object') return [];
  const [a, b] = [ours as Record<string, unknown>, theirs as Record<string, unknown>];
  if (path.endsWith('metadata') || Object.keys(b).length === 0) return [];
  const lacking = Object.keys(b)
    .filter((key) => !(key in a) && !absent.includes(key))
    .map((key) => `${path}.${key}: absent`);
  const unknown = Object.keys(a)
    .filter((key) => !(key in b) && !newer.includes(key) && !VARIANTS.has(key))
    .map((key) => `${path}.${key}: unknown to Stripe`);
  return [
    ...lacking,
    ...unknown,
    ...Object.keys(a)
      .filter((key) => key in b)
      .flatMap((key) => differences(a[key], b[key], `${path}.${key}`, [], [])),
  ];
}

describe.skipIf(!present)(
  'every object has the keys and types of the example that Stripe publishes (skipped where the examples are not at hand)',
  () => {
    const examples = present
      ? (JSON.parse(readFileSync(FIXTURES, 'utf8')) as { resources: Record<string, unknown> }).resources
      : {};
    const sandbox = createStripeSandbox({ seed: 3, size: { customers: 320 }, nowMs: () => Date.UTC(2026, 5, 15, 12) });
    for (let i = 0; i < 600; i++) sandbox.mutate();

    for (const resource of Object.keys(sandbox.counts())) {
      it(resource, () => {
        const example = examples[EXAMPLES[resource] ?? resource];
        expect(example, 'no example').toBeDefined();
        const found = new Set<string>();
        let seen = 0;
        for (const { json } of sandbox.objects(resource)) {
          seen++;
          for (const difference of differences(
            JSON.parse(json),
            example,
            resource,
            ABSENT[resource] ?? [],
            NEWER[resource] ?? [],
          ))
            found.add(difference.replace(/\[\d+\]/g, '[]'));
        }
        expect(seen).toBeGreaterThan(0);
        expect([...found]).toEqual([]);
      });
    }
  },
);
