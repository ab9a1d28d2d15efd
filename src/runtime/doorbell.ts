/** Rings for work. Rings while it is under way are one more turn after it, however many they are. */
export function createDoorbell(work: () => Promise<void>, keep: (turn: Promise<void>) => void): () => void {
  let under = false;
  let again = false;
  async function turns(): Promise<void> {
    under = true;
    try {
      do {
        again = false;
        await work();
      } while (again);
    } finally {
      under = false;
    }
  }
  return () => {
    if (under) again = true;
    else keep(turns());
  };
}
