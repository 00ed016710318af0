/** How fields and values are said to people. */

const NAMES: Readonly<Record<string, string>> = {
  accessHints: "access hints",
  scheduledFor: "day",
  siteID: "site",
  workOrderID: "work order",
  writtenAt: "written",
};

export const nameOf = (field: string): string => NAMES[field] ?? field;

export function shown(value: unknown): string {
  if (value === null || value === undefined || value === "") return "–";
  if (Array.isArray(value)) return once(value.map(shown)).join(", ") || "–";
  if (typeof value === "object") return Object.values(value).filter(Boolean).map(shown).join(", ") || "–";
  const text = String(value);
  return /^[A-Z_]+$/.test(text) ? text.toLowerCase().replaceAll("_", " ") : text;
}

/** AUTOMERGE appends one list to another, so an entry can be there twice, which says nothing more. */
export const once = (list: readonly string[] | null | undefined): string[] => [...new Set(list ?? [])];

/** `1 note`, `2 notes`. */
export const counted = (number: number, thing: string): string => `${number} ${thing}${number === 1 ? "" : "s"}`;
