"""What AWS refuses because of how things are deployed: trying again changes nothing.

https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html
https://docs.aws.amazon.com/bedrock/latest/userguide/model-access.html
"""

from __future__ import annotations

REMEDIES = {
    "AccessDeniedException": "the account has no access to the model yet, in one of the Regions of "
    "its inference profile, or a role lacks a permission: have an administrator ask the model once",
    "ResourceNotFoundException": "a model that this Region does not offer, one whose maker wants "
    "its form filled in first, or a resource that is gone: set assistant.model, fill in the form, "
    "or deploy again",
    "ValidationException": "the model takes no such request here: set assistant.inference_profile, "
    "which some models are only to be had through, or change the prompt's parameters",
}
"""Code of the error -> what may be wrong, and what to do. What AWS itself said is in the log."""
