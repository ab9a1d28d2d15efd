/** How many bytes of bodies may be in this process at one time. */
export interface ByteBudget {
  /** Takes so many, or says that there is no place for them now. */
  take(bytes: number): boolean;
  /** What was taken is free again. */
  give(bytes: number): void;
}

export function createByteBudget(limit: number): ByteBudget {
  let taken = 0;
  return {
    take(bytes) {
      // One that fills it alone is let in when there is no other: it may never fit beside one.
      if (taken > 0 && taken + bytes > limit) return false;
      taken += bytes;
      return true;
    },
    give(bytes) {
      taken -= bytes;
    },
  };
}
