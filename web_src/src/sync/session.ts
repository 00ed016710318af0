/**
 * Cure: edits that are dropped because a token has expired.
 *
 * The client renews a token when the device's clock says so. When the clock is wrong, the token was
 * revoked, or the refresh token has expired too (after 30 days in a drawer), the API answers 401 and
 * DataStore drops the edit like any other that is refused.
 *
 * Here a 401 renews the token and asks once more. If that does not help, everything waits, offline
 * as it were, until somebody has signed in. A renewal that fails, because Cognito is not reached or is
 * busy, says nothing of who is signed in: everything waits too, until one does not fail.
 */

import { NetworkError, UNAUTHENTICATED, type Answer, type Ask } from "./wire";
import type { Reachability } from "./reachability";

export interface Session {
  /** A new token for the Authorization header, or nothing if somebody has to sign in. Rejects if that is not known. */
  renew(): Promise<string | undefined>;
}

export function patientSession(session: Session, reachability: Reachability) {
  return (inner: Ask): Ask =>
    async (request) => {
      const answer = await inner(request);
      if (!isRefused(answer)) return answer;
      let token: string | undefined;
      try {
        token = await session.renew();
      } catch {
        reachability.lost(renewed(session, reachability));
        throw new NetworkError();
      }
      if (token) {
        const names = Object.keys(request.headers).filter((name) => name.toLowerCase() !== "authorization");
        const headers = Object.fromEntries(names.map((name) => [name, request.headers[name]!]));
        const again = await inner({ ...request, headers: { ...headers, Authorization: token } });
        if (!isRefused(again)) return again;
      }
      reachability.pause();
      throw new NetworkError();
    };
}

/** Whether it can be gone on, for `Reachability.lost`. */
export function renewed(session: Session, reachability: Reachability): () => Promise<boolean> {
  return async () => {
    const token = await session.renew();
    if (!token) reachability.pause();
    return Boolean(token);
  };
}

function isRefused(answer: Answer): boolean {
  return answer.status === UNAUTHENTICATED;
}
