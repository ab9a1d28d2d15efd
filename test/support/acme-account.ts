/** One object, as the emulated provider shows it. */
export type AcmeObject = Readonly<Record<string, unknown>> & { readonly id: string };

/** An entry of the provider's log of changes; `body` is what its webhook says. */
export interface AcmeEvent {
  readonly id: string;
  readonly type: string;
  /** Seconds. */
  readonly created: number;
  readonly body: string;
}

type Fields = Readonly<Record<string, unknown>>;
type Stored = { -readonly [K in string]: unknown } & { id: string; created: number };

/** Nested lists show so many. */
const NESTED = 3;
const START_SECONDS = Date.UTC(2026, 2, 1) / 1000;

/** How the account writes when something happened: in units of so many seconds, as numbers unless told. */
export interface Stamps {
  readonly seconds?: number;
  readonly write?: (seconds: number) => number | string;
}

/**
 * The world behind the emulated provider "Acme", held by a test: things (which carry parts and cards, and are told of
 * by events), notes (which carry their own change time), tags and labels (short lists). Time passes by `tick` only.
 */
export function createAcmeAccount(id = 'acme_account', stamps: Stamps = {}) {
  const { seconds: grain = 1, write = (at: number) => at } = stamps;
  let seconds = START_SECONDS;
  let serial = 0;
  const tables = new Map<string, Map<string, Stored>>();
  const log: AcmeEvent[] = [];
  const unlisted = new Set<string>();
  const table = (kind: string) => {
    const known = tables.get(kind) ?? new Map<string, Stored>();
    tables.set(kind, known);
    return known;
  };
  // Ids say nothing about the order of creation.
  const newId = (kind: string) => `${kind}_${((++serial * 7919) % 100_003).toString(36)}${serial.toString(36)}`;

  /** As the API shows it: nested lists are cut. */
  function show(kind: string, stored: Stored): AcmeObject {
    if (kind !== 'thing') return structuredClone(stored) as AcmeObject;
    const { parts, cards: _cards, ...own } = structuredClone(stored) as Stored & { parts?: unknown[] };
    const nested = parts ?? [];
    return { ...own, parts: { data: nested.slice(0, NESTED), has_more: nested.length > NESTED } } as AcmeObject;
  }

  function announce(type: string, object: AcmeObject): AcmeEvent {
    const id = `ev_${(++serial).toString(36).padStart(6, '0')}`;
    const created = Math.floor(seconds / grain) * grain;
    const event = { id, type, created, body: JSON.stringify({ id, type, created, object }) };
    log.push(event);
    return event;
  }

  function put(kind: string, stored: Stored, verb: 'created' | 'updated'): AcmeObject {
    if (kind === 'note') stored['updated'] = write(Math.floor(seconds / grain) * grain);
    table(kind).set(stored.id, stored);
    const shown = show(kind, stored);
    announce(`${kind}.${verb}`, shown);
    return shown;
  }

  return {
    id,
    log,
    now: () => seconds * 1000,
    tick: (by = 1) => {
      seconds += by;
    },
    create(kind: string, fields: Fields = {}): AcmeObject {
      const id = typeof fields['id'] === 'string' ? fields['id'] : newId(kind);
      // A thing always says whether it is active.
      const shown = kind === 'thing' ? { active: true } : {};
      return put(kind, { created: seconds, ...shown, ...fields, id } as Stored, 'created');
    },
    update(kind: string, id: string, fields: Fields): AcmeObject {
      const known = table(kind).get(id);
      if (known === undefined) throw new Error(`Acme has no ${kind} ${id}`);
      return put(kind, { ...known, ...fields, id } as Stored, 'updated');
    },
    remove(kind: string, id: string): void {
      const known = table(kind).get(id);
      if (known === undefined) throw new Error(`Acme has no ${kind} ${id}`);
      table(kind).delete(id);
      announce(`${kind}.deleted`, { id });
    },
    /** An event that Acme sends and that means nothing to us. */
    announce,
    get: (kind: string, id: string) => table(kind).get(id),
    /** As the API shows it now; undefined when there is no such thing. */
    see(kind: string, id: string): AcmeObject | undefined {
      const stored = table(kind).get(id);
      return stored === undefined ? undefined : show(kind, stored);
    },
    ids: (kind: string) => [...table(kind).keys()],
    /** What a list shows. */
    shown: (kind: string): AcmeObject[] =>
      [...table(kind).values()].filter((stored) => !unlisted.has(stored.id)).map((stored) => show(kind, stored)),
    /** From now on no list shows the object, though its id does; or (false) lists show it again. */
    unlist: (id: string, hidden = true) => void (hidden ? unlisted.add(id) : unlisted.delete(id)),
    /** Parts or cards of a thing; undefined when there is no such thing. */
    nested(kind: 'parts' | 'cards', id: string): AcmeObject[] | undefined {
      const thing = table('thing').get(id);
      return thing === undefined ? undefined : (structuredClone(thing[kind] ?? []) as AcmeObject[]);
    },
    /** All that exists, by id: what a perfect mirror holds. */
    truth(kind: string): Map<string, AcmeObject> {
      const nested = { part: 'parts', card: 'cards' }[kind];
      const objects =
        nested === undefined
          ? [...table(kind).values()].map((stored) => show(kind, stored))
          : [...table('thing').values()].flatMap((thing) => (thing[nested] ?? []) as AcmeObject[]);
      return new Map(objects.map((object) => [object.id, object]));
    },
  };
}

export type AcmeAccount = ReturnType<typeof createAcmeAccount>;
