import { boolean, compileShape, number, plain } from '../../http/shape.ts';
import { id } from '../id-slots.ts';
import type { Resource, World } from '../resource.ts';

/** https://docs.stripe.com/api/products/list */
export function product(w: World): Resource {
  return {
    table: 'product',
    object: 'product',
    path: '/v1/products',
    events: 'product',
    created: true,
    filters: {
      active: { kind: 'boolean' },
      ids: { kind: 'list', stored: (object, value) => value.split(',').includes(object.id) },
      shippable: { kind: 'boolean' },
      type: {},
      url: {},
    },
    write: compileShape<number>({
      id: id(w, 'product', (i: number) => i),
      object: 'product',
      active: boolean((i: number) => w.random(i, 20) % 20 !== 0),
      created: number((i: number) => w.at('product', i)),
      default_price: id(w, 'price', (i: number) => i * 3),
      description: plain((i: number) => `What product ${i} does for you`),
      images: [],
      livemode: false,
      marketing_features: [],
      metadata: {},
      name: plain((i: number) => `Product ${i}`),
      package_dimensions: null,
      shippable: null,
      statement_descriptor: null,
      tax_code: null,
      type: 'service',
      unit_label: null,
      updated: number((i: number) => w.at('product', i)),
      url: null,
    }),
  };
}
