"""The script that turns a bare Amazon Linux instance into a worker."""

from __future__ import annotations

import json
from collections.abc import Mapping

from aws_cdk import Aws
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_s3_assets as s3_assets

LOG_FILE = "/var/log/groundwork/worker.log"
PYTHON = "/usr/bin/python3.13"
# Longer than RestartSec, so that a worker that keeps falling over is seen while it is down.
STEADY_SECONDS = 12
# copytruncate, because systemd holds the file open; looked at every hour instead of every day.
LOG_ROTATION = rf"{LOG_FILE} {{\n size 50M\n rotate 2\n copytruncate\n missingok\n}}\n"


def worker_user_data(
    *,
    program: s3_assets.Asset,
    environment: Mapping[str, str],
    log_group_name: str,
    stop_seconds: int,
) -> ec2.UserData:
    """User data that installs and starts the worker without reaching the internet.

    Packages come from the repositories of Amazon Linux 2023, which are S3 buckets and so within
    reach of the S3 gateway endpoint
    (https://docs.aws.amazon.com/linux/al2023/ug/managing-repos-os-updates.html); the program is
    this app's asset, whose key holds its hash: new code makes a new version of the launch template.

    Any step that fails ends the script and powers the instance off. EC2 Auto Scaling takes an
    instance that is not running for unhealthy and replaces it
    (https://docs.aws.amazon.com/autoscaling/ec2/userguide/health-checks-overview.html), so a half
    built worker never takes messages, and no signal or further endpoint is needed to say so. The
    last step watches the worker for a while: a release that falls over at its start would otherwise
    restart in circles on instances that look healthy, and an instance refresh would go on with it.

    The Region is set because the gateway endpoint leads to S3 of this Region alone.
    """
    data = ec2.UserData.for_linux(shebang="#!/bin/bash")
    data.add_commands(
        "set -euo pipefail",
        "trap 'echo \"worker set-up failed in line $LINENO\" >&2; shutdown -h now' ERR",
        f"export AWS_DEFAULT_REGION={Aws.REGION}",
        "dnf install -y python3.13 amazon-cloudwatch-agent logrotate",
        "id groundwork >/dev/null 2>&1 || useradd --system --no-create-home "
        "--shell /sbin/nologin groundwork",
        "install -d -m 0755 /etc/groundwork /opt/groundwork/app",
        "install -d -m 0755 -o groundwork -g groundwork /var/log/groundwork",
        f"aws s3 cp s3://{program.s3_bucket_name}/{program.s3_object_key} "
        "/opt/groundwork/worker.zip",
        f"{PYTHON} -m zipfile -e /opt/groundwork/worker.zip /opt/groundwork/app",
        f"{PYTHON} -m compileall -q --invalidation-mode unchecked-hash /opt/groundwork/app",
        "chmod -R a+rX,go-w /opt/groundwork",
        _file(
            "/etc/groundwork/worker.env",
            "GROUNDWORK_ENV",
            "\n".join(f"{name}={value}" for name, value in environment.items()),
        ),
        _file(
            "/etc/systemd/system/groundwork-worker.service",
            "GROUNDWORK_UNIT",
            systemd_unit(stop_seconds=stop_seconds),
        ),
        f"printf '%s' '{cloudwatch_agent_configuration(log_group_name)}' "
        "> /etc/groundwork/cloudwatch-agent.json",
        "/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl -a fetch-config -m ec2 "
        "-c file:/etc/groundwork/cloudwatch-agent.json -s",
        f"printf '{LOG_ROTATION}' > /etc/logrotate.d/groundwork",
        "install -d /etc/systemd/system/logrotate.timer.d",
        "printf '[Timer]\\nOnCalendar=\\nOnCalendar=hourly\\n' "
        "> /etc/systemd/system/logrotate.timer.d/hourly.conf",
        "systemctl daemon-reload",
        "systemctl restart logrotate.timer",
        "systemctl enable --now groundwork-worker.service",
        f"for _ in $(seq {STEADY_SECONDS}); do sleep 1; "
        "systemctl is-active --quiet groundwork-worker.service; done",
    )
    return data


def systemd_unit(*, stop_seconds: int) -> str:
    """The unit of the worker.

    KillMode=mixed sends SIGTERM to the main process alone, which drains its children, and SIGKILL
    to whatever is left after TimeoutStopSec
    (https://www.freedesktop.org/software/systemd/man/latest/systemd.kill.html). The default of
    control-group would signal the children behind the main process's back; the default of 90 s
    would cut a longer drain short. A worker that ends with status 0 has drained and stays down, so
    that it takes no new messages while its instance waits for the end.
    """
    return "\n".join(
        (
            "[Unit]",
            "Description=Groundwork worker",
            "Wants=network-online.target",
            "After=network-online.target amazon-cloudwatch-agent.service",
            "StartLimitIntervalSec=0",
            "",
            "[Service]",
            "Type=simple",
            "User=groundwork",
            "Group=groundwork",
            "EnvironmentFile=/etc/groundwork/worker.env",
            "Environment=PYTHONPATH=/opt/groundwork/app",
            "Environment=PYTHONUNBUFFERED=1",
            "WorkingDirectory=/opt/groundwork/app",
            f"ExecStart={PYTHON} -m worker",
            "KillMode=mixed",
            "KillSignal=SIGTERM",
            f"TimeoutStopSec={stop_seconds}",
            "Restart=always",
            "RestartSec=5",
            "RestartPreventExitStatus=0",
            f"StandardOutput=append:{LOG_FILE}",
            f"StandardError=append:{LOG_FILE}",
            "LimitNOFILE=65536",
            "NoNewPrivileges=yes",
            "PrivateTmp=yes",
            "PrivateDevices=yes",
            "ProtectSystem=strict",
            "ProtectHome=yes",
            "ProtectKernelTunables=yes",
            "ProtectKernelModules=yes",
            "ProtectControlGroups=yes",
            "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
            "RestrictSUIDSGID=yes",
            "LockPersonality=yes",
            "CapabilityBoundingSet=",
            "ReadWritePaths=/var/log/groundwork",
            "",
            "[Install]",
            "WantedBy=multi-user.target",
        )
    )


def cloudwatch_agent_configuration(log_group_name: str) -> str:
    """Ship the worker's log file; lines in the embedded metric format become metrics on arrival.

    CloudWatch Logs recognises them without the agent's help
    (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Generation_PutLogEvents.html),
    so neither its EMF listener nor an endpoint for the metrics API is needed. The agent creates no
    log group: the stack's has a retention.
    """
    return json.dumps(
        {
            "agent": {"run_as_user": "cwagent"},
            "logs": {
                "logs_collected": {
                    "files": {
                        "collect_list": [
                            {
                                "file_path": LOG_FILE,
                                "log_group_name": log_group_name,
                                "log_stream_name": "{instance_id}",
                            }
                        ]
                    }
                },
                "force_flush_interval": 5,
            },
        },
        separators=(",", ":"),
    )


def _file(path: str, end: str, content: str) -> str:
    return f"cat > {path} <<'{end}'\n{content}\n{end}"
