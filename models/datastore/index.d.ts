import { ModelInit, MutableModel, __modelMeta__, ManagedIdentifier } from "@aws-amplify/datastore";
// @ts-ignore
import { LazyLoading, LazyLoadingDisabled, AsyncCollection, AsyncItem } from "@aws-amplify/datastore";

export enum WorkOrderStatus {
  PLANNED = "PLANNED",
  IN_PROGRESS = "IN_PROGRESS",
  DONE = "DONE",
  CANCELLED = "CANCELLED"
}

type EagerAddress = {
  readonly street?: string | null;
  readonly postalCode?: string | null;
  readonly city?: string | null;
  readonly latitude?: number | null;
  readonly longitude?: number | null;
}

type LazyAddress = {
  readonly street?: string | null;
  readonly postalCode?: string | null;
  readonly city?: string | null;
  readonly latitude?: number | null;
  readonly longitude?: number | null;
}

export declare type Address = LazyLoading extends LazyLoadingDisabled ? EagerAddress : LazyAddress

export declare const Address: (new (init: ModelInit<Address>) => Address)

type EagerPhotoReference = {
  readonly key: string;
  readonly contentType: string;
  readonly takenAt?: string | null;
}

type LazyPhotoReference = {
  readonly key: string;
  readonly contentType: string;
  readonly takenAt?: string | null;
}

export declare type PhotoReference = LazyLoading extends LazyLoadingDisabled ? EagerPhotoReference : LazyPhotoReference

export declare const PhotoReference: (new (init: ModelInit<PhotoReference>) => PhotoReference)

type EagerSite = {
  readonly [__modelMeta__]: {
    identifier: ManagedIdentifier<Site, 'id'>;
    readOnlyFields: 'createdAt' | 'updatedAt';
  };
  readonly id: string;
  readonly name: string;
  readonly address?: Address | null;
  readonly accessHints?: string[] | null;
  readonly phone?: string | null;
  readonly workOrders?: (WorkOrder | null)[] | null;
  readonly createdAt?: string | null;
  readonly updatedAt?: string | null;
}

type LazySite = {
  readonly [__modelMeta__]: {
    identifier: ManagedIdentifier<Site, 'id'>;
    readOnlyFields: 'createdAt' | 'updatedAt';
  };
  readonly id: string;
  readonly name: string;
  readonly address?: Address | null;
  readonly accessHints?: string[] | null;
  readonly phone?: string | null;
  readonly workOrders: AsyncCollection<WorkOrder>;
  readonly createdAt?: string | null;
  readonly updatedAt?: string | null;
}

export declare type Site = LazyLoading extends LazyLoadingDisabled ? EagerSite : LazySite

export declare const Site: (new (init: ModelInit<Site>) => Site) & {
  copyOf(source: Site, mutator: (draft: MutableModel<Site>) => MutableModel<Site> | void): Site;
}

type EagerWorkOrder = {
  readonly [__modelMeta__]: {
    identifier: ManagedIdentifier<WorkOrder, 'id'>;
    readOnlyFields: 'createdAt' | 'updatedAt';
  };
  readonly id: string;
  readonly siteID: string;
  readonly site?: Site | null;
  readonly title: string;
  readonly description?: string | null;
  readonly status: WorkOrderStatus | keyof typeof WorkOrderStatus;
  readonly priority?: number | null;
  readonly assignee?: string | null;
  readonly scheduledFor: string;
  readonly tags?: string[] | null;
  readonly notes?: (Note | null)[] | null;
  readonly createdAt?: string | null;
  readonly updatedAt?: string | null;
}

type LazyWorkOrder = {
  readonly [__modelMeta__]: {
    identifier: ManagedIdentifier<WorkOrder, 'id'>;
    readOnlyFields: 'createdAt' | 'updatedAt';
  };
  readonly id: string;
  readonly siteID: string;
  readonly site: AsyncItem<Site | undefined>;
  readonly title: string;
  readonly description?: string | null;
  readonly status: WorkOrderStatus | keyof typeof WorkOrderStatus;
  readonly priority?: number | null;
  readonly assignee?: string | null;
  readonly scheduledFor: string;
  readonly tags?: string[] | null;
  readonly notes: AsyncCollection<Note>;
  readonly createdAt?: string | null;
  readonly updatedAt?: string | null;
}

export declare type WorkOrder = LazyLoading extends LazyLoadingDisabled ? EagerWorkOrder : LazyWorkOrder

export declare const WorkOrder: (new (init: ModelInit<WorkOrder>) => WorkOrder) & {
  copyOf(source: WorkOrder, mutator: (draft: MutableModel<WorkOrder>) => MutableModel<WorkOrder> | void): WorkOrder;
}

type EagerNote = {
  readonly [__modelMeta__]: {
    identifier: ManagedIdentifier<Note, 'id'>;
    readOnlyFields: 'createdAt' | 'updatedAt';
  };
  readonly id: string;
  readonly workOrderID: string;
  readonly workOrder?: WorkOrder | null;
  readonly writtenAt: string;
  readonly text: string;
  readonly photo?: PhotoReference | null;
  readonly createdAt?: string | null;
  readonly updatedAt?: string | null;
}

type LazyNote = {
  readonly [__modelMeta__]: {
    identifier: ManagedIdentifier<Note, 'id'>;
    readOnlyFields: 'createdAt' | 'updatedAt';
  };
  readonly id: string;
  readonly workOrderID: string;
  readonly workOrder: AsyncItem<WorkOrder | undefined>;
  readonly writtenAt: string;
  readonly text: string;
  readonly photo?: PhotoReference | null;
  readonly createdAt?: string | null;
  readonly updatedAt?: string | null;
}

export declare type Note = LazyLoading extends LazyLoadingDisabled ? EagerNote : LazyNote

export declare const Note: (new (init: ModelInit<Note>) => Note) & {
  copyOf(source: Note, mutator: (draft: MutableModel<Note>) => MutableModel<Note> | void): Note;
}
