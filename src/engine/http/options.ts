export type Committed = 'delivery' | 'run';

/** What the HTTP surface needs beside the engine. */
export interface HttpOptions {
  /** The keys that open the admin routes, read at each request. None: those routes stay closed. */
  readonly adminKeys: () => readonly string[];
  /** Called after a delivery or a run was committed and before that is answered: ring whoever works it. Must not throw. */
  readonly ring?: (what: Committed) => void;
  /** Work that may end after the answer: for hosts that stop with it. */
  readonly keep?: (work: Promise<void>) => void;
  /** Bytes of a webhook's body at most (default 20 MB: providers send objects of more than 5 MB). */
  readonly maxBodyBytes?: number;
  /** Bytes of webhooks' bodies that are read or worked at one time, at most (default 64 MB; as much again for small ones). */
  readonly maxBytesUnderWay?: number;
  /** Milliseconds in which a webhook's body must have arrived (default 30,000). */
  readonly bodyTimeoutMs?: number;
  /** Milliseconds that `POST /worker` and an immediate sync work at most (default 20,000). */
  readonly sliceMs?: number;
  /** The same in CPU time, where the platform can tell it (`Ports.cpu`). */
  readonly sliceCpuMs?: number;
  /** The route that a request is for, where it is not the path of its address (a host that puts a prefix before it). */
  readonly path?: (request: Request) => string;
}

export const DEFAULT_MAX_BODY_BYTES = 20 * 1024 * 1024;
export const DEFAULT_SLICE_MS = 20_000;

/** The CPU part of a slice's budget. */
export const cpuOf = ({ sliceCpuMs }: HttpOptions) => (sliceCpuMs === undefined ? {} : { cpuMs: sliceCpuMs });
