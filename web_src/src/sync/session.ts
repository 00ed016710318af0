/**
 * Cure: edits that are dropped because a token has expired.
 *
 * The client renews a token when the device's clock says so. When the clock is wrong, the token was
 * revoked, or the refresh token has expired too (after 30 days in a drawer), the API answers 401 and
 * DataStore drops the edit like any other that is refused.
 *
 * Here a 401 renews the token and asks once more. If that does not help, everything waits, offline
 * as it were, until somebody has signed in.
 */

import { NetworkError, type Answer, type Ask } from "./wire";
import type { Reachability } from "./reachability";

export interface Session {
  /** A new token for the Authorization header, or nothing if somebody has to sign in. */
  renew(): Promise<string | undefined>;
}

export function patientSession(session: Session, reachability: Reachability) {
  return (inner: Ask): Ask =>
    async (request) => {
      const answer = await inner(request);
      if (!isRefused(answer)) return answer;
      const token = await session.renew().catch(() => undefined);
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

function isRefused(answer: Answer): boolean {
  return answer.status === 401;
}
