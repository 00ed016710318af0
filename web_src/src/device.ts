/** The client for programs without a screen: what `node/device.mjs` runs in a page of its own. */

import { DataStore, Predicates, SortDirection } from "aws-amplify/datastore";
import { decodeJWT } from "aws-amplify/auth";
import { Hub } from "aws-amplify/utils";

import * as models from "../../models/datastore/index.js";
import { connect, edit, SYNCHRONISED } from "./sync/client";

Object.assign(globalThis, {
  groundwork: { connect, edit, DataStore, Predicates, SortDirection, Hub, decodeJWT, models, SYNCHRONISED },
});
