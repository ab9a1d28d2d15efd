import { createPrice, updatePrice } from '../operations/catalogue.ts';
import type { StripeObject } from '../resource.ts';
import type { Happening, Life } from './life.ts';

export function catalogueLife({ c, step, on }: Life): readonly Happening[] {
  const isActive = (active: boolean) => (o: StripeObject) => o['active'] === active;

  function launch(): void {
    const { id } = c.create('product', {
      name: `New product ${step()}`,
      default_price: null,
      active: true,
      updated: c.nowS(),
    });
    createPrice(c, id, 1_900, 'month');
  }

  function discount(): void {
    const { id } = c.create('coupon', { name: `Coupon ${step()}`, percent_off: 12.5 });
    c.create('promotion_code', { active: true, code: `NEW${step()}`, promotion: { coupon: id, type: 'coupon' } });
  }

  const changeProduct = (o: StripeObject, fields: object) =>
    c.update('product', o.id, { ...fields, updated: c.nowS() });
  const describeRate = (o: StripeObject) => c.update('tax_rate', o.id, { description: `VAT, changed ${step()}` });

  return [
    [2, () => on('product', (o) => changeProduct(o, { name: `Product renamed ${step()}` }))],
    [1, () => on('product', (o) => changeProduct(o, { active: false }), isActive(true))],
    [1, launch],
    [1, () => on('price', (o) => updatePrice(c, o.id, { active: false }), isActive(true))],
    [1, () => on('price', (o) => updatePrice(c, o.id, { active: true }), isActive(false))],
    [1, discount],
    [1, () => c.account.tables.coupon.living > 3 && on('coupon', (o) => c.remove('coupon', o.id))],
    [1, () => on('promotion_code', (o) => c.update('promotion_code', o.id, { active: false }), isActive(true))],
    [1, () => on('tax_rate', describeRate)],
  ];
}
