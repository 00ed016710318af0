"""AWS::WAFv2::WebACLAssociation and AWS::WAFv2::LoggingConfiguration.

Records that the WAF's own operations show. No request is looked at here: what a web ACL would
refuse in an account reaches the API.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-wafv2-webaclassociation.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-wafv2-loggingconfiguration.html
"""

from __future__ import annotations

from local.types.handlers import Outcome, Properties, add, required


def register() -> None:
    """Add both types."""
    add(
        "AWS::WAFv2::WebACLAssociation",
        create=_associate,
        update=_associate_anew,
        delete=_disassociate,
    )
    add("AWS::WAFv2::LoggingConfiguration", create=_log, update=_log_anew, delete=_stop_logging)


def _associate(_logical_id: str, properties: Properties, _stack: str) -> Outcome:
    from ministack.services import waf

    acl, resource = required(properties, "WebACLArn"), required(properties, "ResourceArn")
    status, _, body = waf._associate_web_acl({"WebACLArn": acl, "ResourceArn": resource})
    if status >= 300:
        raise ValueError(f"the web ACL {acl} cannot be put in front of {resource}: {body!r}")
    return f"{acl}|{resource}", {}


def _associate_anew(physical_id: str, old: Properties, new: Properties, stack: str) -> Outcome:
    """Both properties replace the association."""
    if old == new:
        return physical_id, {}
    replacement = _associate("", new, stack)
    if old["ResourceArn"] != new["ResourceArn"]:
        _disassociate(physical_id, old)
    return replacement


def _disassociate(_physical_id: str, properties: Properties) -> None:
    from ministack.services import waf

    waf._disassociate_web_acl({"ResourceArn": properties.get("ResourceArn", "")})


def _log(_logical_id: str, properties: Properties, _stack: str) -> Outcome:
    (destination,) = required(properties, "LogDestinationConfigs")
    name = str(destination).split(":")[-1].split("/")[-1]
    if not name.startswith("aws-waf-logs-"):
        raise ValueError(f"{destination}: the name of a WAF's log must begin with aws-waf-logs-")
    return str(required(properties, "ResourceArn")), {}


def _log_anew(_physical_id: str, _old: Properties, new: Properties, stack: str) -> Outcome:
    return _log("", new, stack)


def _stop_logging(_physical_id: str, _properties: Properties) -> None:
    """Nothing is kept."""
