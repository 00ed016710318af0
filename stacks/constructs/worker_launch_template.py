"""What every instance of the fleet is made of."""

from __future__ import annotations

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct


class WorkerLaunchTemplate(Construct):
    """Amazon Linux 2023 on Graviton, IMDSv2 only, an encrypted gp3 root volume, no key pair.

    The image is a parameter of the stack that CloudFormation resolves when it deploys
    (https://docs.aws.amazon.com/linux/al2023/ug/ec2.html#launch-via-aws-cli): a new image
    shows in a change set and is rolled out with a drain, rather than appearing unannounced with the
    next scale-out. A hop limit of 1 keeps the role's credentials from anything that is routed
    through the instance
    (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html).
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        role: iam.IRole,
        security_group: ec2.ISecurityGroup,
        user_data: ec2.UserData,
        root_volume_gib: int,
        detailed_monitoring: bool,
    ) -> None:
        super().__init__(scope, construct_id)
        self.launch_template = ec2.LaunchTemplate(
            self,
            "LaunchTemplate",
            machine_image=ec2.MachineImage.latest_amazon_linux2023(
                cpu_type=ec2.AmazonLinuxCpuType.ARM_64
            ),
            role=role,
            security_group=security_group,
            user_data=user_data,
            detailed_monitoring=detailed_monitoring,
            ebs_optimized=True,
            require_imdsv2=True,
            http_endpoint=True,
            http_put_response_hop_limit=1,
            block_devices=[
                ec2.BlockDevice(
                    device_name="/dev/xvda",
                    volume=ec2.BlockDeviceVolume.ebs(
                        root_volume_gib,
                        encrypted=True,
                        volume_type=ec2.EbsDeviceVolumeType.GP3,
                        delete_on_termination=True,
                    ),
                )
            ],
        )
