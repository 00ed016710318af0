/** The days of the calendar on the wall, in the device's own time zone; the API stores moments in UTC. */

/** The hour at which work begins when only its day is chosen. */
const BEGIN = "08:00";

/** `2026-12-01`, as an input of type `date` has it. */
export function dayOf(moment: string | Date): string {
  const date = new Date(moment);
  const two = (number: number) => String(number).padStart(2, "0");
  return `${String(date.getFullYear()).padStart(4, "0")}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** The moment at which work begins on a day. */
export function beginOf(day: string): string {
  return new Date(`${day}T${BEGIN}`).toISOString();
}

export function tomorrow(): string {
  const date = new Date();
  date.setDate(date.getDate() + 1);
  return dayOf(date);
}

export function shortDay(moment: string): string {
  return new Date(moment).toLocaleDateString(undefined, { weekday: "short", day: "numeric", month: "short" });
}

export function dayAndTime(moment: string): string {
  return new Date(moment).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}
