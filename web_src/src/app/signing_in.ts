/** Amplify's sign-in, step by step, and its tokens for the synchronisation. */

import { Amplify } from "aws-amplify";
import {
  confirmSignIn,
  signIn as amplifySignIn,
  signOut as amplifySignOut,
  type SignInOutput,
} from "aws-amplify/auth";
import { cognitoUserPoolsTokenProvider } from "aws-amplify/auth/cognito";
import { defaultStorage } from "aws-amplify/utils";

import type { Tokens, TokenSource } from "../sync/client";
import type { Configuration } from "./configuration";

/** What has to be entered next. */
export interface Step {
  readonly label: string;
  readonly kind: "password" | "text";
  readonly explanation?: string;
}

export function authOf(configuration: Configuration): { Auth: { Cognito: object } } {
  const { userPoolId, userPoolClientId, userPoolEndpoint } = configuration;
  return { Auth: { Cognito: { userPoolId, userPoolClientId, ...(userPoolEndpoint ? { userPoolEndpoint } : {}) } } };
}

export function tokensOf(configuration: Configuration): TokenSource {
  Amplify.configure(authOf(configuration) as never);
  cognitoUserPoolsTokenProvider.setAuthConfig(authOf(configuration).Auth as never);
  cognitoUserPoolsTokenProvider.setKeyValueStorage(defaultStorage);
  return async (force) => {
    const tokens = await cognitoUserPoolsTokenProvider.getTokens({ forceRefresh: force });
    return (tokens ?? undefined) as Tokens | undefined;
  };
}

/**
 * Whoever was signed in is not any longer: Amplify refuses to sign in beside tokens that it still holds,
 * whether or not the API takes them.
 */
export async function begin(username: string, password: string): Promise<Step | undefined> {
  await signOut();
  return next(await amplifySignIn({ username, password }), username);
}

export async function answer(text: string): Promise<Step | undefined> {
  return next(await confirmSignIn({ challengeResponse: text }));
}

/** Also without a network, when Cognito is not told. */
export const signOut = (): Promise<void> => amplifySignOut();

function next({ nextStep }: SignInOutput, username = ""): Step | undefined {
  switch (nextStep.signInStep) {
    case "DONE":
      return undefined;
    case "CONFIRM_SIGN_IN_WITH_NEW_PASSWORD_REQUIRED":
      return { label: "New password", kind: "password", explanation: "Choose your own password." };
    case "CONFIRM_SIGN_IN_WITH_TOTP_CODE":
      return { label: "Code from your authenticator app", kind: "text" };
    case "CONTINUE_SIGN_IN_WITH_TOTP_SETUP":
      return {
        label: "Code from your authenticator app",
        kind: "text",
        explanation: `Add this key to your authenticator app: ${nextStep.totpSetupDetails.sharedSecret} (${nextStep.totpSetupDetails.getSetupUri("Groundwork", username).href})`,
      };
    default:
      throw new Error(`This app does not know the sign-in step ${nextStep.signInStep}.`);
  }
}
