import type { SandboxRequest } from '../../http/provider.ts';
import type { CompanyOrder } from '../company-order.ts';
import type { CompanyScroll } from '../company-scroll.ts';
import { HttpError } from '../http-error.ts';
import type { Notice } from '../notification.ts';
import type { Calendar } from '../search/day.ts';
import { isObject } from '../shape/contact.ts';
import type { World } from '../state/world.ts';

/** What a route may use of the workspace. */
export interface Workspace {
  readonly world: World;
  readonly calendar: Calendar;
  readonly scroll: CompanyScroll;
  readonly companyOrder: CompanyOrder;
  readonly searchLagMs: () => number;
  readonly origin: string;
  announce(notices: readonly Notice[]): void;
}

export interface RouteCall {
  readonly workspace: Workspace;
  readonly world: World;
  readonly request: SandboxRequest;
  /** Named parts of the path. */
  readonly params: Readonly<Record<string, string>>;
  /** 11 for `Intercom-Version: 2.11`. */
  readonly minorVersion: number;
}

export type RouteHandler = (call: RouteCall) => unknown;
export type Route = readonly [method: string, path: string, handler: RouteHandler];

export function parseBody(call: RouteCall): Record<string, unknown> {
  let value: unknown;
  try {
    value = call.request.body === '' ? {} : JSON.parse(call.request.body);
  } catch {
    throw new HttpError(400, 'bad_request', 'The request body is not valid JSON');
  }
  if (!isObject(value)) throw new HttpError(400, 'bad_request', 'The request body must be a JSON object');
  return value;
}

export type RouteTable = (
  method: string,
  path: string,
) => { readonly handler: RouteHandler; readonly params: Record<string, string> } | undefined;

/** Fixed paths win over those with a parameter. */
export function createRouteTable(routes: readonly Route[]): RouteTable {
  const fixed = new Map<string, RouteHandler>();
  const open: { readonly method: string; readonly parts: readonly string[]; readonly handler: RouteHandler }[] = [];
  for (const [method, path, handler] of routes) {
    if (path.includes(':')) open.push({ method, parts: path.split('/'), handler });
    else fixed.set(`${method} ${path}`, handler);
  }
  return (method, path) => {
    const trimmed = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
    const handler = fixed.get(`${method} ${trimmed}`);
    if (handler) return { handler, params: {} };
    const parts = trimmed.split('/');
    for (const route of open) {
      if (route.method !== method || route.parts.length !== parts.length) continue;
      const params: Record<string, string> = {};
      const matches = route.parts.every((name, i) => {
        const part = parts[i] ?? '';
        if (!name.startsWith(':')) return name === part;
        params[name.slice(1)] = part;
        return part !== '';
      });
      if (matches) return { handler: route.handler, params };
    }
    return undefined;
  };
}
