/** Where a site is, whom to call there, and how to get in. */

import type { JSX } from "preact";

import type { Site } from "../../../models/datastore/index.js";
import { Icon } from "./icons";
import { once } from "./words";

export function addressOf({ address }: Site): string {
  const town = [address?.postalCode, address?.city].filter(Boolean).join(" ");
  return [address?.street, town].filter(Boolean).join(", ");
}

/** What is known of it, each on a line; the number can be tapped to call. */
export function Place({ site }: { site: Site }): JSX.Element | null {
  const hints = once(site.accessHints);
  const address = addressOf(site);
  if (!address && !site.phone && !hints.length) return <p class="none">No address, phone or hints yet.</p>;
  return (
    <dl class="place">
      {address && (
        <div>
          <dt>
            <Icon name="sites" />
            <span class="unseen">Address</span>
          </dt>
          <dd>{address}</dd>
        </div>
      )}
      {site.phone && (
        <div>
          <dt>
            <Icon name="phone" />
            <span class="unseen">Phone</span>
          </dt>
          <dd>
            <a href={`tel:${site.phone.replace(/[^+\d]/g, "")}`}>{site.phone}</a>
          </dd>
        </div>
      )}
      {hints.length > 0 && (
        <div>
          <dt>
            <Icon name="key" />
            <span class="unseen">Access hints</span>
          </dt>
          <dd>
            {hints.map((hint) => (
              <span key={hint}>{hint}</span>
            ))}
          </dd>
        </div>
      )}
    </dl>
  );
}
