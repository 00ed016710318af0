/**
 * What DataStore says to AppSync, as far as the cures have to understand it.
 *
 * DataStore has no hook between its outbox and the network. The cures therefore stand where `fetch`
 * is called, one around the other: each is a function from an `Ask` to an `Ask`.
 */

export type Row = Record<string, unknown> & { id: string };
export type Verb = "create" | "update" | "delete" | "sync" | "get";

export interface Operation {
  readonly verb: Verb;
  /** `WorkOrder`; of `sync` the plural, `WorkOrders`. */
  readonly name: string;
  /** The field of Query or Mutation, `createWorkOrder`. */
  readonly field: string;
  readonly query: string;
  readonly input: Row | undefined;
  readonly variables: Record<string, unknown>;
}

export interface Request {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly operation: Operation | undefined;
  /** Of the loop that empties the outbox, for which this is asked; see `one_loop.ts`. */
  readonly turn?: number;
}

export interface GraphqlError {
  readonly errorType?: string | null;
  readonly message?: string;
  readonly data?: Row | null;
  readonly path?: unknown;
}

export interface Body {
  readonly data?: Record<string, unknown> | null;
  readonly errors?: readonly GraphqlError[];
}

export type Ask = (request: Request) => Promise<Answer>;
export type Cure = (inner: Ask) => Ask;

/** A response, whose text is parsed only by who looks into it: a page has up to 1,000 items. */
export class Answer {
  #body: Body | undefined;

  constructor(
    readonly status: number,
    readonly text: string,
  ) {}

  static of(body: Body): Answer {
    return new Answer(200, JSON.stringify(body));
  }

  get body(): Body {
    this.#body ??= parsed(this.text);
    return this.#body;
  }

  /** Whether GraphQL says it: a firewall, a proxy or a hotel's page answer in words of their own. */
  get isGraphql(): boolean {
    return GRAPHQL.test(this.text) || "data" in this.body || "errors" in this.body;
  }

  /** The first error, which is the one that DataStore decides by. */
  get error(): GraphqlError | undefined {
    return this.body.errors?.[0];
  }

  /** What a field of the operation returned. */
  row(field: string): Row | undefined {
    return (this.body.data?.[field] as Row | null | undefined) ?? undefined;
  }
}

/** DataStore keeps an edit in its outbox for an error of exactly these words, and for no other. */
export class NetworkError extends Error {
  constructor() {
    super("Network Error");
  }
}

/** The status of an answer to a token that is none, or has expired. */
export const UNAUTHENTICATED = 401;

/** Of an error: this user may not do this. */
export const UNAUTHORIZED = "Unauthorized";

/** How AppSync's answers begin; saves the parsing of pages. */
const GRAPHQL = /^\s*\{\s*"(?:data|errors)"/;
const FIELD = /^\s*(?:query|mutation)\b[^{]*\{\s*(\w+)/;
const VERB = /^(create|update|delete|sync|get)([A-Z]\w*)$/;

export function operationOf(body: string): Operation | undefined {
  const { query, variables } = parsed(body) as { query?: unknown; variables?: unknown };
  const field = FIELD.exec(String(query))?.[1];
  const match = field ? VERB.exec(field) : null;
  if (!field || !match) return undefined;
  const given = (variables ?? {}) as Record<string, unknown>;
  return {
    verb: match[1] as Verb,
    name: match[2]!,
    field,
    query: String(query),
    input: given["input"] as Row | undefined,
    variables: given,
  };
}

export function isMutation(operation: Operation | undefined): operation is Operation & { input: Row } {
  return operation?.input !== undefined;
}

/** The id of the row that an operation is about. */
export function rowOf(operation: Operation | undefined): string | undefined {
  if (isMutation(operation)) return operation.input.id;
  return operation?.verb === "get" ? String(operation.variables["id"]) : undefined;
}

/** What the operation asks of each item, `{ id name ... }`. */
function selectionOf(operation: Operation): string {
  const start = operation.query.indexOf("{", operation.query.indexOf(operation.field));
  return operation.query.slice(start, operation.query.lastIndexOf("}"));
}

/** What a synchronisation asks of each item. */
export function itemSelection(operation: Operation): string | undefined {
  return /\bitems\s*(\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\})/.exec(operation.query)?.[1];
}

/**
 * The item of a mutation, with what it belongs to, which the data of an error lacks; undefined if there
 * is none that this user may see. A read that fails says nothing of the item: it is a `NetworkError`, so
 * that the edit waits and is sent again.
 */
export async function readAgain(inner: Ask, request: Request, operation: Operation & { input: Row }): Promise<Row | undefined> {
  const field = `get${operation.name}`;
  const query = `query Again($id: ID!) { ${field}(id: $id) ${selectionOf(operation)} }`;
  const variables = { id: operation.input.id };
  const body = JSON.stringify({ query, variables });
  const answer = await inner({ ...request, body, operation: operationOf(body) });
  const { data, errors } = answer.body;
  if (answer.error?.errorType === UNAUTHORIZED) return undefined;
  if (errors?.length || data?.[field] === undefined) throw new NetworkError();
  return answer.row(field);
}

function parsed(text: string): Record<string, unknown> {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
