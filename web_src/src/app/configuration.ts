/** config.json: what `configuration.py` makes of the deployed stack's outputs. Asked for at run time. */

export interface Person {
  readonly name: string;
  readonly role: string;
  readonly username: string;
  readonly password: string;
}

export interface Configuration {
  readonly graphqlUrl: string;
  readonly region: string;
  readonly userPoolId: string;
  readonly userPoolClientId: string;
  /** Where Cognito answers, if not at AWS. */
  readonly userPoolEndpoint?: string;
  /** Who may be signed in as by one click; on this machine alone. */
  readonly people?: readonly Person[];
}

const NEEDED = ["graphqlUrl", "region", "userPoolId", "userPoolClientId"] as const;

export async function readConfiguration(): Promise<Configuration> {
  const response = await fetch("config.json");
  if (!response.ok) throw new Error(`config.json: ${(await response.text()) || response.status}`);
  const found = (await response.json()) as Partial<Configuration>;
  const missing = NEEDED.filter((name) => !found[name]);
  if (missing.length) {
    throw new Error(`config.json lacks ${missing.join(", ")}: write it from the stack's outputs again`);
  }
  return found as Configuration;
}
