import { hash32 } from '../state/hash.ts';
import { COMPANY_KINDS, COMPANY_WORDS, INDUSTRIES } from '../state/words.ts';
import { pick, SALT, type World } from '../state/world.ts';
import { segmentOf } from './workspace.ts';

/** https://developers.intercom.com/docs/references/rest-api/api.intercom.io/companies/company */
export function companyObjectOf(world: World, index: number): Record<string, unknown> {
  const { seed, companies } = world;
  const h = (salt: number): number => hash32(seed, SALT.company + salt, index);
  const created = companies.createdAt(index);
  const name = `${pick(COMPANY_WORDS, h(20))} ${pick(COMPANY_KINDS, h(21))} ${index + 1}`;
  const segment = world.size.segments > 0 && h(22) % 3 === 0 ? [segmentOf(world, h(23) % world.size.segments)] : [];
  const { custom_attributes: own, ...attributes } = companies.changes(index);
  return {
    type: 'company',
    id: world.ids.company.of(index),
    company_id: `account-${index + 1}`,
    app_id: world.appId,
    name,
    remote_created_at: created - (h(24) % 86_400),
    created_at: created,
    updated_at: companies.updatedAt(index),
    last_request_at: lastRequestAt(world, index),
    monthly_spend: h(25) % 5_000,
    session_count: h(26) % 900,
    user_count: world.userCounts[index] ?? 0,
    size: 1 + (h(27) % 600),
    website: `https://${name.toLowerCase().replaceAll(' ', '-')}.example`,
    industry: pick(INDUSTRIES, h(28)),
    ...attributes,
    plan:
      h(29) % 2 === 0
        ? { type: 'plan', id: String(1 + (h(30) % 3)), name: pick(['Free', 'Team', 'Business'], h(30)) }
        : {},
    custom_attributes: {
      region: pick(['emea', 'amer', 'apac'], h(31)),
      ...(own as Record<string, unknown> | undefined),
    },
    tags: { type: 'tag.list', tags: [] },
    segments: { type: 'segment.list', segments: segment },
  };
}

export function lastRequestAt(world: World, index: number): number {
  const created = world.companies.createdAt(index);
  return created + (hash32(world.seed, SALT.company + 40, index) % Math.max(1, world.anchor - created));
}
