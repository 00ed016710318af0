"""Prompts that Bedrock keeps, each with the version that is used."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Stack
from aws_cdk import aws_bedrock as bedrock
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.constructs.acknowledged import acknowledge_wildcard
from stacks.constructs.vector_stores.vector_store import fingerprint
from stacks.prompt_files import PromptFile

VARIANT = "chat"


class Prompts(Construct):
    """A prompt and a version of it for every file; the function reads versions, never the draft.

    A version is a copy of the draft at the moment when it was made and never changes
    (https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-management-version-create.html).
    CloudFormation makes one when its description changes, so the description has a digest of what
    the model sees. The old version goes with the deployment that replaces it, after the function
    that reads it has been replaced: a prompt has ten versions at most.

    Versions have no tags: those cannot be changed, so another tag would replace all versions, and
    the function's published version would go on with the ARNs of the old ones
    (https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-bedrock-promptversion.html).

    No model is named: the function says which model it asks.

    What reads may read every version: in a deployment its role changes first, while copies of the
    function still live that have not read theirs.

    Attributes: `versions`, from the prompt's name to its version's ARN; `digest` of their texts.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, prompts: Sequence[PromptFile]
    ) -> None:
        super().__init__(scope, construct_id)
        self.versions: dict[str, str] = {}
        self._drafts: list[bedrock.CfnPrompt] = []
        told = [f"v{prompt.version} {prompt.digest}" for prompt in prompts]
        self.digest = fingerprint(*sorted(told))
        for prompt in prompts:
            title = prompt.name.title().replace("_", "")
            draft = self._draft(title, prompt)
            version = bedrock.CfnPromptVersion(
                self,
                f"{title}Version",
                prompt_arn=draft.attr_arn,
                description=f"v{prompt.version} {prompt.digest}",
            )
            version.add_property_deletion_override("Tags")
            self._drafts.append(draft)
            self.versions[prompt.name] = version.attr_arn

    @property
    def permissions(self) -> list[iam.PolicyStatement]:
        """Who has them may read all versions, and none of the drafts."""
        every = [f"{draft.attr_arn}:*" for draft in self._drafts]
        return [iam.PolicyStatement(actions=["bedrock:GetPrompt"], resources=every)]

    def accept(self, reader: Construct) -> None:
        """Acknowledge what judges find in `permissions` and is meant."""
        for draft in self._drafts:
            acknowledge_wildcard(
                reader,
                f"<{Stack.of(self).get_logical_id(draft)}.Arn>:*",
                reason="Copies of the function that a deployment replaces read older versions.",
            )

    def _draft(self, title: str, prompt: PromptFile) -> bedrock.CfnPrompt:
        given = bedrock.CfnPrompt
        content = given.ContentBlockProperty
        return bedrock.CfnPrompt(
            self,
            title,
            name=f"{Stack.of(self).stack_name}-{prompt.name}",
            description=prompt.description,
            default_variant=VARIANT,
            variants=[
                given.PromptVariantProperty(
                    name=VARIANT,
                    template_type="CHAT",
                    template_configuration=given.PromptTemplateConfigurationProperty(
                        chat=given.ChatPromptTemplateConfigurationProperty(
                            system=[given.SystemContentBlockProperty(text=prompt.system)],
                            messages=[
                                given.MessageProperty(role=role, content=[content(text=text)])
                                for role, text in prompt.messages
                            ],
                            input_variables=[
                                given.PromptInputVariableProperty(name=name)
                                for name in prompt.variables
                            ],
                        )
                    ),
                    inference_configuration=given.PromptInferenceConfigurationProperty(
                        text=given.PromptModelInferenceConfigurationProperty(
                            max_tokens=prompt.max_tokens,
                            temperature=prompt.temperature,
                            top_p=prompt.top_p,
                            stop_sequences=list(prompt.stop_sequences) or None,
                        )
                    ),
                )
            ],
        )
