const DAY = 86_400;

/** First seconds of days in a timezone: contact search knows days only. */
export interface Calendar {
  startOfDay(second: number): number;
  startOfNextDay(second: number): number;
}

/** https://developers.intercom.com/docs/references/rest-api/api.intercom.io/contacts/searchcontacts (timestamp fields) */
export function createCalendar(timezone: string): Calendar {
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone: timezone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });

  /** Seconds that the local clock is ahead of UTC at this instant. */
  function offsetAt(second: number): number {
    const at: Record<string, number> = {};
    for (const { type, value } of format.formatToParts(second * 1000)) at[type] = Number(value);
    const local =
      Date.UTC(at['year'] ?? 0, (at['month'] ?? 1) - 1, at['day'], at['hour'], at['minute'], at['second']) / 1000;
    return local - second;
  }
  /** Instant of a local midnight, given as if it were UTC; the second look settles days on which the clock changes. */
  function instantOf(localMidnight: number): number {
    const guess = localMidnight - offsetAt(localMidnight);
    return localMidnight - offsetAt(guess);
  }
  const localDay = (second: number): number => Math.floor((second + offsetAt(second)) / DAY) * DAY;

  return {
    startOfDay: (second) => instantOf(localDay(second)),
    startOfNextDay: (second) => instantOf(localDay(second) + DAY),
  };
}
