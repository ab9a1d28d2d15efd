import { HttpError, notFound } from '../http-error.ts';
import { parsePerPage } from '../search/cursor.ts';
import { articleOf, articleWithStatisticsOf } from '../shape/article.ts';
import { adminOf, meOf, segmentOf, tagOf, teamOf } from '../shape/workspace.ts';
import type { IdScheme } from '../state/ids.ts';
import type { Route, RouteCall } from './route.ts';

const ARTICLE_PAGE = { fallback: 15, max: 150 };

/** The small lists, which come whole, and articles, which come by page number, newest updated first. */
export const workspaceRoutes: readonly Route[] = [
  ['GET', '/me', ({ world }) => meOf(world)],
  ['GET', '/admins', ({ world }) => ({ type: 'admin.list', admins: all(world.size.admins, (i) => adminOf(world, i)) })],
  [
    'GET',
    '/admins/:id',
    ({ world, params }) =>
      adminOf(world, one(world.ids.admin, params['id'], world.size.admins, 'Admin not found', 'admin_not_found')),
  ],
  ['GET', '/teams', ({ world }) => ({ type: 'team.list', teams: all(world.size.teams, (i) => teamOf(world, i)) })],
  [
    'GET',
    '/teams/:id',
    ({ world, params }) => teamOf(world, one(world.ids.team, params['id'], world.size.teams, 'Team not found')),
  ],
  ['GET', '/tags', ({ world }) => ({ type: 'list', data: all(world.size.tags, (i) => tagOf(world, i)) })],
  [
    'GET',
    '/tags/:id',
    ({ world, params }) => tagOf(world, one(world.ids.tag, params['id'], world.size.tags, 'Resource Not Found')),
  ],
  [
    'GET',
    '/segments',
    ({ world }) => ({ type: 'segment.list', segments: all(world.size.segments, (i) => segmentOf(world, i)) }),
  ],
  [
    'GET',
    '/segments/:id',
    ({ world, params }) =>
      segmentOf(world, one(world.ids.segment, params['id'], world.size.segments, 'Segment not found')),
  ],
  ['GET', '/articles', listArticles],
  ['GET', '/articles/:id', retrieveArticle],
];

function listArticles({ world, workspace, request }: RouteCall): unknown {
  const perPage = parsePerPage(request.query.get('per_page'), ARTICLE_PAGE);
  const page = Number(request.query.get('page') ?? 1);
  if (!Number.isInteger(page) || page < 1)
    throw new HttpError(400, 'parameter_invalid', 'page must be a positive number');
  const { byUpdated } = world.articles;
  const end = Math.max(0, byUpdated.size - (page - 1) * perPage);
  const found: number[] = [];
  for (let position = end - 1; position >= Math.max(0, end - perPage); position -= 1)
    found.push(byUpdated.at(position).id);
  const total = Math.ceil(byUpdated.size / perPage);
  return {
    type: 'list',
    pages: {
      type: 'pages',
      next: page < total ? `${workspace.origin}/articles?per_page=${perPage}&page=${page + 1}` : null,
      page,
      per_page: perPage,
      total_pages: total,
    },
    total_count: byUpdated.size,
    data: found.map((index) => articleOf(world, index)),
  };
}

function retrieveArticle({ world, params }: RouteCall): unknown {
  const index = world.ids.article.indexOf(params['id'] ?? '');
  if (index === undefined || !world.articles.isLive(index)) throw notFound('Resource Not Found');
  return articleWithStatisticsOf(world, index);
}

function all<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

function one(ids: IdScheme, id: string | undefined, count: number, message: string, code?: string): number {
  const index = id === undefined ? undefined : ids.indexOf(id);
  if (index === undefined || index >= count) throw notFound(message, code);
  return index;
}
