/** What survives a reload: JSON under a key of `localStorage`, or nothing. */

export interface Keep {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

/** What was retained under a key; `nothing` where there is none, or none that can be read. */
export function recall<Value>(keep: Keep | undefined, key: string, nothing: Value): Value {
  try {
    const stored = keep?.getItem(key) ?? undefined;
    return stored === undefined ? nothing : (JSON.parse(stored) as Value);
  } catch {
    return nothing;
  }
}

/** For after a reload. A full store costs that memory and nothing else: whoever retains works on without. */
export function retain(keep: Keep | undefined, key: string, value: unknown): void {
  try {
    keep?.setItem(key, JSON.stringify(value));
  } catch {
    // Full, or forbidden.
  }
}
