import { createRandom } from '../http/random.ts';
import type { Changes } from './changes.ts';
import { catalogueLife } from './life/catalogue.ts';
import { customerLife } from './life/customers.ts';
import { createLife } from './life/life.ts';
import { paperLife } from './life/paper.ts';
import { paymentLife } from './life/payments.ts';
import { subscriptionLife } from './life/subscriptions.ts';

/** The life of an account, one happening a call: changes of every kind, by weight, drawn from the seed. */
export function createMutate(c: Changes, seed: number): () => void {
  const random = createRandom(seed ^ 0x6d757461);
  let step = 0;
  const life = createLife(c, random, () => step);
  const happenings = [customerLife, subscriptionLife, paymentLife, catalogueLife, paperLife].flatMap((of) => of(life));
  const total = happenings.reduce((sum, [weight]) => sum + weight, 0);

  return () => {
    step++;
    let draw = random.below(total);
    for (const [weight, happen] of happenings) {
      if (draw < weight) return happen();
      draw -= weight;
    }
  };
}
