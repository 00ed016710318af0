/** What belongs to what, by the models that DataStore synchronises. */

import { schema } from "../../../models/datastore/schema.js";

export interface Parent {
  readonly model: string;
  /** The field that holds the parent's id, `siteID`. */
  readonly field: string;
}

/** By model; none of ours belongs to two. */
export const PARENTS: ReadonlyMap<string, Parent> = new Map(
  Object.values(schema.models).flatMap(({ name, fields }) =>
    Object.values(fields).flatMap(({ type, association }): [string, Parent][] => {
      if (association?.connectionType !== "BELONGS_TO" || typeof type !== "object" || !("model" in type)) return [];
      const [field] = association.targetNames ?? [];
      return field ? [[name, { model: type.model, field }]] : [];
    }),
  ),
);

/** By model, what a synchronisation asks for: `WorkOrders`. */
export const PLURALS: ReadonlyMap<string, string> = new Map(
  Object.values(schema.models).map(({ name, pluralName }) => [name, pluralName ?? name]),
);

/** Whether a row, or what is known of it, belongs to another one. */
export function belongsTo(model: string, fields: Readonly<Record<string, unknown>>, id: string): boolean {
  const parent = PARENTS.get(model);
  return parent !== undefined && fields[parent.field] === id;
}
