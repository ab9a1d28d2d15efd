import { HttpError, notFound } from './http-error.ts';
import { hash32, hex } from './state/hash.ts';
import type { World } from './state/world.ts';

const IDLE_MS = 60_000;
const PAGE = 100;

/** The one scroll that a workspace may have open. https://developers.intercom.com/docs/references/rest-api/api.intercom.io/companies/scrolloverallcompanies */
export interface CompanyScroll {
  next(param: string | undefined): { readonly companies: readonly number[]; readonly scrollParam: string | null };
  isOpen(): boolean;
  /** As if it had been left alone for a minute. */
  expire(): void;
}

interface OpenScroll {
  readonly param: string;
  /** Companies made later are not part of it. */
  readonly end: number;
  position: number;
  usedAtMs: number;
}

export function createCompanyScroll(world: World): CompanyScroll {
  let open: OpenScroll | undefined;
  let opened = 0;
  const current = (): OpenScroll | undefined => (open && world.nowMs() - open.usedAtMs <= IDLE_MS ? open : undefined);

  return {
    isOpen: () => current() !== undefined,
    expire: () => {
      open = undefined;
    },
    next(param) {
      const running = current();
      if (param === undefined) {
        if (running) throw new HttpError(400, 'scroll_exists', 'scroll already exists for this workspace');
        opened += 1;
        const h = (salt: number): string => hex(hash32(world.seed, salt, opened), 8);
        open = {
          param: `${h(51)}-${h(52).slice(4)}-4${h(53).slice(5)}-a${h(54).slice(5)}-${h(55)}${h(56).slice(4)}`,
          end: world.companies.length,
          position: 0,
          usedAtMs: world.nowMs(),
        };
      } else if (!running || running.param !== param) {
        throw notFound('scroll parameter not found');
      }
      const scroll = open;
      if (!scroll) throw notFound('scroll parameter not found');
      scroll.usedAtMs = world.nowMs();
      const companies: number[] = [];
      while (companies.length < PAGE && scroll.position < scroll.end) {
        if (world.companies.isLive(scroll.position)) companies.push(scroll.position);
        scroll.position += 1;
      }
      if (companies.length > 0) return { companies, scrollParam: scroll.param };
      open = undefined;
      return { companies, scrollParam: null };
    },
  };
}
