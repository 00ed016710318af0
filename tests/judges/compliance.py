"""What we answer to the findings of compliance packs: a report, not a gate.

The packs translate rules of organisations into rules for resources. Which of them apply is decided
by whoever runs a workload, so a finding here is answered and written down in docs/judges.md.
"""

from __future__ import annotations

from collections.abc import Mapping

# Judge as cdk-nag names it -> as readers do.
PACKS: Mapping[str, str] = {
    "HIPAA.Security": "HIPAA",
    "NIST.800.53.R4": "NIST 800-53 r4",
    "NIST.800.53.R5": "NIST 800-53 r5",
    "PCI.DSS.321": "PCI DSS 3.2.1",
}
ANSWERS: Mapping[str, str] = {
    "CloudWatchLogGroupEncrypted": (
        "Met for logs of workers and functions with `fleet.encryption=customer_key`. Otherwise "
        "CloudWatch Logs encrypts with its own key, as it does for the flow logs in any case"
    ),
    "DynamoDBInBackupPlan": (
        "Not met: a backup plan is the account's, and would hold these tables by their tags. The "
        "table of jobs holds progress that is worth nothing after two weeks; tables that devices "
        "synchronise with can be recovered to any second of 35 days"
    ),
    "DynamoDBPITREnabled": (
        "Met in prod. In dev the progress of jobs cannot be recovered (`fleet.job_recovery`)"
    ),
    "EC2IMDSv2Enabled": (
        "Met: the launch template requires version 2, with a hop limit of 1. The rule looks for "
        "the group's own launch template and stumbles over a mixed instances policy"
    ),
    "LambdaConcurrency": (
        "Met with the function's `reserved_concurrency`, which an account has to have room for"
    ),
    "LambdaDLQ": (
        "Met where there are asynchronous invocations: the alias has a destination for failures, "
        "which the rule does not look at. Nobody invokes the others asynchronously"
    ),
    "LambdaInsideVPC": (
        "Not met, on purpose: functions call nothing but AWS's own services, over TLS, with a role "
        "of their own. In a VPC each of those would need an endpoint that is paid for by the hour"
    ),
    "IAMNoInlinePolicy": (
        "Not met, on purpose: an inline policy is there as soon as its role is, so that no "
        "instance boots before its permissions, and nobody can attach it to something else"
    ),
    "S3BucketLoggingEnabled": (
        "Met for documents with `documents.access_logs=true`, as in prod. Photos are reached by "
        "credentials that name their user"
    ),
    "S3BucketReplicationEnabled": (
        "Not met: a second Region or account is a decision of the workload's owner. Buckets keep "
        "versions, which replication needs"
    ),
    "S3DefaultEncryptionKMS": (
        "Met with `documents.customer_key=true`, except for the bucket of access logs, which S3 "
        "cannot write with such a key, and for photos. Otherwise S3 encrypts with its own key"
    ),
    "S3BucketDefaultLockEnabled": (
        "Not met: a lock forbids to delete documents for a time that only their owner can name"
    ),
    "VPCDefaultSecurityGroupClosed": (
        "A warning, as the template cannot show it. Nothing is a member of the default group, "
        "which a test holds; emptying it would take a custom resource with a function"
    ),
}
