import { createCompany, deleteCompany, updateCompany } from '../change-rest.ts';
import { HttpError, notFound } from '../http-error.ts';
import { parsePerPage } from '../search/cursor.ts';
import { companyObjectOf } from '../shape/company.ts';
import type { World } from '../state/world.ts';
import { parseBody, type Route, type RouteCall } from './route.ts';

const PAGE_SIZE = { fallback: 15, max: 60 };
const REACH = 10_000;
const WRITABLE = [
  'company_id',
  'name',
  'monthly_spend',
  'size',
  'website',
  'industry',
  'custom_attributes',
  'remote_created_at',
];

/** https://developers.intercom.com/docs/references/rest-api/api.intercom.io/companies */
export const companyRoutes: readonly Route[] = [
  [
    'GET',
    '/companies',
    (call) =>
      call.request.query.has('name') || call.request.query.has('company_id')
        ? findCompany(call)
        : listCompanies(call, '/companies'),
  ],
  ['POST', '/companies', upsert],
  ['POST', '/companies/list', (call) => listCompanies(call, '/companies/list')],
  ['GET', '/companies/scroll', scroll],
  ['GET', '/companies/:id', ({ world, params }) => companyObjectOf(world, existing(world, params['id']))],
  ['PUT', '/companies/:id', update],
  ['DELETE', '/companies/:id', remove],
];

/** Pages by number over the companies with users, most recently active first, and never further than 10,000. */
function listCompanies(call: RouteCall, path: string): unknown {
  const { world, workspace, request } = call;
  const body = request.method === 'POST' ? parseBody(call) : {};
  const parameter = (name: string): unknown => request.query.get(name) ?? body[name];
  const perPage = parsePerPage(parameter('per_page'), PAGE_SIZE);
  const page = Number(parameter('page') ?? 1);
  const order = parameter('order') ?? 'desc';
  if (!Number.isInteger(page) || page < 1)
    throw new HttpError(400, 'parameter_invalid', 'page must be a positive number');
  if (order !== 'asc' && order !== 'desc') throw new HttpError(400, 'parameter_invalid', 'order must be asc or desc');
  if ((page - 1) * perPage >= REACH)
    throw new HttpError(400, 'bad_request', 'page limit reached, please use scroll API');
  const listed = workspace.companyOrder.listed();
  const start = (page - 1) * perPage;
  const end = Math.min(start + perPage, REACH);
  const slice =
    order === 'desc'
      ? listed.slice(start, end)
      : listed.slice(Math.max(0, listed.length - end), Math.max(0, listed.length - start)).reverse();
  const total = Math.ceil(listed.length / perPage);
  return {
    type: 'list',
    data: slice.map((index) => companyObjectOf(world, index)),
    pages: {
      type: 'pages',
      next: page < total ? `${workspace.origin}${path}?per_page=${perPage}&page=${page + 1}` : null,
      page,
      per_page: perPage,
      total_pages: total,
    },
    total_count: listed.length,
  };
}

function scroll({ world, workspace, request }: RouteCall): unknown {
  const { companies, scrollParam } = workspace.scroll.next(request.query.get('scroll_param') || undefined);
  return {
    type: 'list',
    data: companies.map((index) => companyObjectOf(world, index)),
    pages: null,
    total_count: null,
    scroll_param: scrollParam,
  };
}

function findCompany({ world, request }: RouteCall): unknown {
  const field = request.query.has('company_id') ? 'company_id' : 'name';
  const wanted = request.query.get(field);
  for (let index = 0; index < world.companies.length; index += 1) {
    if (!world.companies.isLive(index)) continue;
    const company = companyObjectOf(world, index);
    if (company[field] === wanted) return company;
  }
  throw notFound('Company Not Found', 'company_not_found');
}

function upsert(call: RouteCall): unknown {
  const { company, notices } = createCompany(call.world, writable(parseBody(call)));
  call.workspace.announce(notices);
  return companyObjectOf(call.world, company);
}

function update(call: RouteCall): unknown {
  const company = existing(call.world, call.params['id']);
  call.workspace.announce(updateCompany(call.world, company, writable(parseBody(call))));
  return companyObjectOf(call.world, company);
}

function remove({ world, workspace, params }: RouteCall): unknown {
  const company = existing(world, params['id']);
  workspace.announce(deleteCompany(world, company));
  return { id: world.ids.company.of(company), object: 'company', deleted: true };
}

function existing(world: World, id: string | undefined): number {
  const index = id === undefined ? undefined : world.ids.company.indexOf(id);
  if (index === undefined || !world.companies.isLive(index)) throw notFound('Company Not Found', 'company_not_found');
  return index;
}

function writable(body: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(body).filter(([name]) => WRITABLE.includes(name)));
}
