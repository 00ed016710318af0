"""Write docs/settings.md from the settings models: `python -m stacks.settings_document`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from stacks.settings import CAPABILITIES, allowed
from stacks.settings_model import Capability

REPOSITORY = Path(__file__).resolve().parent.parent
DOCUMENT = REPOSITORY / "docs" / "settings.md"
PREAMBLE = """# Settings

<!-- Made by `python -m stacks.settings_document` from the models in stacks/settings*.py. -->

Every setting has a default in the code. A stage (`dev`, `prod`) overrides it in `cdk.json` under
`context.groundwork.<stage>.<capability>`, and the command line overrides both:

```
cdk deploy --all -c stage=prod -c fleet.max_instances=40 -c fleet.instance_types=c7g.large
```

A value that is out of range, a misspelt name and settings that contradict each other stop synth
with the field, its value, what is allowed, and the remedy.
"""


def document(stages: Mapping[str, Any]) -> str:
    """The whole page, for the stage blocks of cdk.json."""
    lines = [PREAMBLE]
    for capability, model in CAPABILITIES.items():
        lines += [f"## {capability}", "", model.__doc__ or "", ""]
        for group in _groups(model):
            if group is not model:
                lines += [f"### {(group.__doc__ or '').rstrip('.')}", ""]
            lines += _table(capability, group, model, stages)
    return "\n".join(lines).rstrip() + "\n"


def _groups(model: type[Capability]) -> Iterator[type[Capability]]:
    """The models that declare fields, in the order in which readers want them."""
    for base in reversed(model.__mro__):
        if issubclass(base, Capability) and base.__annotations__ and base is not Capability:
            yield base


def _table(
    capability: str,
    group: type[Capability],
    model: type[Capability],
    stages: Mapping[str, Any],
) -> list[str]:
    names = [name for name in group.__annotations__ if name in model.model_fields]
    return [
        f"| setting | default | {' | '.join(stages)} | allowed | what it is |",
        f"| --- | --- | {'--- | ' * len(stages)}--- | --- |",
        *(_row(capability, name, model.model_fields[name], stages) for name in names),
        "",
    ]


def _row(capability: str, name: str, field: FieldInfo, stages: Mapping[str, Any]) -> str:
    chosen = " | ".join(
        _shown(block.get(capability, {}).get(name, "")) for block in stages.values()
    )
    return (
        f"| `{capability}.{name}` | {_shown(field.default)} | {chosen} | {allowed(field)} | "
        f"{field.description} |"
    )


def _shown(value: Any) -> str:
    if value == "":
        return ""
    if isinstance(value, tuple | list):
        return "`" + ",".join(map(str, value)) + "`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def stage_blocks() -> Mapping[str, Any]:
    """The blocks of settings in cdk.json."""
    blocks: Mapping[str, Any] = json.loads((REPOSITORY / "cdk.json").read_text())["context"][
        "groundwork"
    ]
    return blocks


if __name__ == "__main__":
    DOCUMENT.write_text(document(stage_blocks()))
    print(f"wrote {DOCUMENT.relative_to(REPOSITORY)}")
