// @ts-check
import { initSchema } from '@aws-amplify/datastore';
import { schema } from './schema';

const WorkOrderStatus = {
  "PLANNED": "PLANNED",
  "IN_PROGRESS": "IN_PROGRESS",
  "DONE": "DONE",
  "CANCELLED": "CANCELLED"
};

const { Site, WorkOrder, Note, Address, PhotoReference } = initSchema(schema);

export {
  Site,
  WorkOrder,
  Note,
  WorkOrderStatus,
  Address,
  PhotoReference
};
