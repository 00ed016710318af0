"""A job over buckets in memory."""

from __future__ import annotations

import pytest

from tests.jobs.memory_s3 import MemoryS3
from tests.jobs.preparing import job_with
from worker.jobs.prepare_document import PrepareDocument


@pytest.fixture
def s3() -> MemoryS3:
    return MemoryS3("documents", "prepared")


@pytest.fixture
def job(s3: MemoryS3) -> PrepareDocument:
    return job_with(s3)
