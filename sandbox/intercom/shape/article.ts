import { hash32 } from '../state/hash.ts';
import { ARTICLE_NOUNS, ARTICLE_VERBS, SENTENCES } from '../state/words.ts';
import { pick, SALT, type World } from '../state/world.ts';

/** https://developers.intercom.com/docs/references/rest-api/api.intercom.io/articles/article_list_item */
export function articleOf(world: World, index: number): Record<string, unknown> {
  const h = (salt: number): number => hash32(world.seed, SALT.article + salt, index);
  const published = h(20) % 6 > 0;
  const id = world.ids.article.of(index);
  const title = `${pick(ARTICLE_VERBS, h(21))} ${pick(ARTICLE_NOUNS, h(22))} (${index + 1})`;
  return {
    type: 'article',
    id,
    workspace_id: world.appId,
    title,
    description: pick(SENTENCES, h(23)),
    body: `<p class="no-margin">${pick(SENTENCES, h(24))}</p>`,
    author_id: world.size.admins > 0 ? Number(world.ids.admin.of(h(25) % world.size.admins)) : 0,
    state: published ? 'published' : 'draft',
    created_at: world.articles.createdAt(index),
    updated_at: world.articles.updatedAt(index),
    url: published ? `https://help.workspace.example/en/articles/${id}` : null,
    parent_id: null,
    parent_ids: [],
    parent_type: null,
    default_locale: 'en',
    translated_content: null,
    ...world.articles.changes(index),
  };
}

/** Lists leave the statistics out. */
export function articleWithStatisticsOf(world: World, index: number): Record<string, unknown> {
  const h = hash32(world.seed, SALT.article + 30, index);
  const views = h % 900;
  return {
    ...articleOf(world, index),
    statistics: {
      type: 'article_statistics',
      views,
      conversions: views % 31,
      reactions: views % 13,
      happy_reaction_percentage: 40,
      neutral_reaction_percentage: 35,
      sad_reaction_percentage: 25,
    },
  };
}
