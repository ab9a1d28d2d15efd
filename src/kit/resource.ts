/** Steps into JSON: `['data', 'object']`. An array index is written as a string. */
export type Path = readonly string[];

/** Where an instant lies, and how the provider writes it: seconds, milliseconds, or ISO 8601. */
export interface InstantAt {
  readonly path: Path;
  readonly unit: 's' | 'ms' | 'iso';
  /**
   * How exact the instant is. Two states whose instants fall into the same second (minute, day) have no order: the object
   * is read again. Default: `1s` for `s`, `1ms` for `ms`. For `iso` the text says it: a date, a time without seconds,
   * without a fraction, or with one; a precision that is given here can only make it coarser. Say `1s` where the provider
   * writes milliseconds that are always zero.
   */
  readonly precision?: Precision;
}

export type Precision = '1ms' | '1s' | '1m' | '1d';

/** How to find things in a provider's JSON. SQL reads pages by it, TypeScript reads single objects by it. */
export interface Shape {
  /** The records of a list answer; absent: the answer is the record. */
  readonly records?: Path;
  readonly id: Path;
  readonly created?: InstantAt;
  /** For an object that also comes without its parent around it (in an event, alone): where its parent's id lies. */
  readonly parent?: Path;
  /** The provider's own change time. Without it, a state is ordered by when it was observed. */
  readonly version?: InstantAt;
  /** When an object counts as archived: the value at `path` equals `equals`, or (without `equals`) is there and not false. */
  readonly archived?: { readonly path: Path; readonly equals?: unknown; readonly at?: InstantAt };
  /** An answer that says "this is deleted": `{id, deleted: true}`. */
  readonly deleted?: { readonly path: Path; readonly equals: unknown };
  /** Top-level fields that change without the object changing (freshly signed links). Stored, but no news. */
  readonly volatile?: readonly string[];
  /** Top-level lists that are only in the answer because we asked for them; stored as children, not in the parent. */
  readonly detach?: readonly string[];
}

/** A nested list that is a collection of its own. */
export interface Child {
  /** Name of the child resource (it must be declared as a resource too). */
  readonly resource: string;
  /** Where the nested records lie in the parent. */
  readonly path: Path;
  /** Where the provider says that the nested list was cut. */
  readonly more?: Path;
  /**
   * The query parameter that is only there for this list: left out where the child is not wanted. Where an answer to it
   * has no such list, each parent's list is read by itself (`perParent`).
   */
  readonly askedBy?: string;
  /** False: a nested list never shows that a child is gone (the newest 500 only, say). Default true. */
  readonly replace?: boolean;
}

/** How an answer says where the next page is. */
export type NextPage =
  /** `has_more` at `more`, true or false in every answer; the cursor is the last record's id. */
  | { readonly style: 'last_id'; readonly more: Path }
  /**
   * The next cursor lies at `path`; nothing, null or an empty text ends the list. With `more`, what lies there (true or
   * false) decides, whatever cursor the last page shows.
   */
  | { readonly style: 'path'; readonly path: Path; readonly more?: Path }
  /** Like `path`, but it repeats until an answer is empty. */
  | { readonly style: 'scroll'; readonly path: Path }
  /** Numbered pages; something lies at `path` while there are more. */
  | { readonly style: 'page'; readonly path: Path }
  /** A list without pages: one answer is all of it. Its request carries no limit. */
  | { readonly style: 'none' };

/** Everything the engine needs to know about one kind of object. Ten lines for an ordinary one. */
export interface Resource extends Shape {
  /** `customer` */
  readonly name: string;
  /** `acme_customer` */
  readonly collection: string;
  /** The list endpoint. Absent: the resource only comes nested in another, or per parent. */
  readonly list?: {
    readonly path: string;
    readonly method?: 'GET' | 'POST';
    readonly query?: Readonly<Record<string, string>>;
    /** Several reads that make one whole, where a default filter hides data: `[{active: 'true'}, {active: 'false'}]`. */
    readonly variants?: readonly Readonly<Record<string, string>>[];
    /** Records asked for. A page with fewer that is not the last one shows that this number is wrong. */
    readonly pageSize: number;
    readonly next: NextPage;
    /** A page may have fewer records than were asked for although the list goes on. Says why. */
    readonly shortPages?: string;
    /** Where an answer says how many objects there are in all; of a request of its own where asking for a page has effects. */
    readonly total?: { readonly path: Path; readonly request?: ProviderRequest };
    /**
     * A harmless request that shows whether the list may be read, where its first page has an effect or takes a resource
     * (an open scroll, an export that begins). Absent: the first page with one record. A scroll without it is not tried.
     */
    readonly probe?: ProviderRequest;
    /** The list can be filtered by creation time, so that ranges can be read in parallel and `sync_from` is exact. */
    readonly ranged?: boolean;
    /** Items name the objects but do not show them whole: each newer one is retrieved. */
    readonly partial?: boolean;
    /**
     * The list leaves out objects that exist. Says which. Each object that a pass does not name is asked for by its id:
     * what the provider shows then stays, is remembered as unlisted, and is counted apart in the certificate.
     */
    readonly hides?: string;
    /** Absence from this list proves nothing (a provider's cap): no sweep. Says why. */
    readonly incomplete?: string;
    /** The list leaves archived objects out: that an archived one is absent proves nothing. */
    readonly hidesArchived?: boolean;
    /** When the provider refuses the list as a whole (400), it is read once per entity of `parent` at `perParent`. */
    readonly fallback?: { readonly parent: string };
  };
  /** `/v1/customers/{id}`; absent: nobody can ask for one object. */
  readonly retrieve?: { readonly path: string; readonly query?: Readonly<Record<string, string>> };
  /** `/v1/invoices/{parent}/lines`: the whole list of one parent. */
  readonly perParent?: {
    readonly path: string;
    readonly query?: Readonly<Record<string, string>>;
    readonly pageSize: number;
    readonly next: NextPage;
    readonly shortPages?: string;
  };
  readonly children?: readonly Child[];
  /**
   * How changes are found between full passes: `events`, the connector's log of changes tells; `search`, the list
   * can be asked for what changed since a moment; `window`, the newest by creation time are read again from
   * `overlapMs` before; `full`, the whole (short) list is read.
   */
  readonly incremental:
    | { readonly by: 'full' }
    | { readonly by: 'events'; readonly silent?: Silent }
    | { readonly by: 'search' | 'window'; readonly overlapMs: number };
  /** Which API documentation this was written from. */
  readonly docs?: string;
}

/** What the log of changes does not show of a resource, and how each incremental run finds it beside the log. */
export type Silent =
  /** The newest by creation time are read again from `overlapMs` before the last run. */
  | { readonly why: string; readonly by: 'window'; readonly overlapMs: number }
  /** A short list, or the short parts of one (`variants`: the objects that can still change), is read whole. */
  | { readonly why: string; readonly by: 'list'; readonly variants?: readonly Readonly<Record<string, string>>[] };

/** One position in a list: what the connector needs to build the request of a page. */
export interface Position {
  readonly cursor?: string | undefined;
  readonly limit: number;
  /** Creation time in seconds, `from` ≤ created < `to`. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** Milliseconds: only what changed since. */
  readonly since?: number | undefined;
  readonly variant?: Readonly<Record<string, string>> | undefined;
  readonly parent?: string | undefined;
}

/** One request to the provider, before authentication is added. */
export interface ProviderRequest {
  readonly method?: 'GET' | 'POST';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: unknown;
}

/** A wanted child brings the parent that it comes with; a wanted parent does not force its children. Unset: all. */
export function chooseResources(
  resources: Readonly<Record<string, Resource>>,
  wanted: readonly string[] | undefined,
): string[] {
  const all = Object.keys(resources);
  if (wanted === undefined) return all;
  const chosen = new Set(wanted);
  for (const resource of Object.values(resources)) {
    if (resource.children?.some((child) => chosen.has(child.resource)) === true) chosen.add(resource.name);
  }
  return all.filter((name) => chosen.has(name));
}

/** A resource without the query parameters that only bring children nobody wants. */
export function withoutUnwanted(resource: Resource, wanted: ReadonlySet<string>): Resource {
  const needless = (resource.children ?? []).flatMap(({ resource: name, askedBy }) =>
    askedBy === undefined || wanted.has(name) ? [] : [askedBy],
  );
  if (needless.length === 0) return resource;
  const trim = <T extends { readonly query?: Readonly<Record<string, string>> }>(request: T): T => ({
    ...request,
    query: Object.fromEntries(Object.entries(request.query ?? {}).filter(([key]) => !needless.includes(key))),
  });
  return {
    ...resource,
    ...(resource.list === undefined ? {} : { list: trim(resource.list) }),
    ...(resource.retrieve === undefined ? {} : { retrieve: trim(resource.retrieve) }),
  };
}

/** The description as SQL reads it (`supasaasy.extract_states`). */
export interface SqlSpec {
  readonly resource: string;
  readonly collection: string;
  readonly [key: string]: unknown;
}

/** Compiles a resource for the write path. `resources` is all of the connector's, to resolve children. */
export function toSqlSpec(
  resource: Resource,
  resources: Readonly<Record<string, Resource>>,
  apiVersion: string,
  wanted?: ReadonlySet<string>,
): SqlSpec {
  const children = (resource.children ?? []).filter((child) => wanted === undefined || wanted.has(child.resource));
  return {
    ...shapeSpec(resource, apiVersion),
    records: resource.list === undefined && resource.perParent === undefined ? undefined : resource.records,
    expects: expectations(resource),
    partial: resource.list?.partial ?? false,
    retrievable: resource.retrieve !== undefined,
    detach: resource.detach,
    children: children.map((child) => {
      const target = resources[child.resource];
      if (target === undefined)
        throw new Error(`resource ${resource.name} has a child ${child.resource} that the connector does not declare`);
      return {
        ...shapeSpec(target, apiVersion),
        path: child.path,
        more: child.more,
        replace: child.replace ?? true,
        ...(child.askedBy === undefined ? {} : { asked: true }),
        ...(target.perParent === undefined ? {} : { completable: true }),
      };
    }),
  };
}

/**
 * What at least one record of a list shows where the description is right: an instant where it says that one lies, a
 * value of the right type where it says that archived objects are marked. A mark that is only there when an object is
 * archived, or a list that hides those, shows nothing.
 */
function expectations({ created, version, archived, list }: Resource): readonly unknown[] {
  return [
    ...(created === undefined ? [] : [{ ...created, what: 'time of creation' }]),
    ...(version === undefined ? [] : [{ ...version, what: 'version' }]),
    ...(archived?.equals === undefined || archived.equals === null || list?.hidesArchived === true
      ? []
      : [{ path: archived.path, type: jsonType(archived.equals), what: 'mark of archived objects' }]),
  ];
}

function jsonType(value: unknown): string {
  return Array.isArray(value) ? 'array' : typeof value;
}

function shapeSpec(resource: Resource, apiVersion: string): SqlSpec {
  return {
    resource: resource.name,
    collection: resource.collection,
    api_version: apiVersion,
    id: resource.id,
    created: resource.created,
    parent: resource.parent,
    version: resource.version,
    archived: resource.archived,
    deleted: resource.deleted,
    volatile: resource.volatile,
  };
}
