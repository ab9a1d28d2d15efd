import { setFlagsFromString } from 'node:v8';

/** For a process of ours, before it imports much: pages go from the socket to PostgreSQL as bytes, outside of V8's heap. */
export function tuneMemory(): void {
  // The few objects beside them are dead at once. So the young generation stays as small as it begins: it never shrinks, and
  // 40 MB of resident memory make nothing faster (`npm run bench -- scale`).
  setFlagsFromString('--semi-space-growth-factor=1');
  // And a heap of 15 MB is not collected whole for every 10 MB of pages that have passed: that was a third of the processor
  // time of large records (`npm run bench -- cpu`). The heap may be three times what is alive in it, at most.
  setFlagsFromString('--heap-growing-percent=200');
}
