/** Lets any number of waiters through at each turn. */
export function createTurnstile(): { turn(): void; next(): Promise<void> } {
  let open = () => {};
  let gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  return {
    turn() {
      open();
      gate = new Promise((resolve) => {
        open = resolve;
      });
    },
    next: () => gate,
  };
}
