"""`python -m local.demo.upload BUCKET PREFIX FIRST LAST`: put a part of the corpus into a bucket.

A process of its own, so that uploading and watching do not wait for each other. Uses the worker's
S3 client. Says on standard output what is there: a line per document, its key.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from itertools import islice

from local.corpus import PREFIX, CorpusDocument, documents
from worker.aws import S3
from worker.aws_config import AwsConfig
from worker.doors import AwsDoor

THREADS = 4


def main(arguments: list[str]) -> int:
    """Upload documents FIRST to LAST (not included) of the corpus, below PREFIX."""
    bucket, prefix = arguments[:2]
    config = AwsConfig(region=os.environ["AWS_REGION"])
    s3 = AwsDoor(config, logger=logging.getLogger("upload")).s3
    source = islice(documents(), int(arguments[2]), int(arguments[3]))
    lock = threading.Lock()
    failures: list[BaseException] = []

    def take() -> CorpusDocument | None:
        with lock:
            return None if failures else next(source, None)

    def work() -> None:
        try:
            while (document := take()) is not None:
                key = _put(s3, bucket, prefix, document)
                with lock:
                    print(key, flush=True)
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return 1 if failures else 0


def _put(s3: S3, bucket: str, prefix: str, document: CorpusDocument) -> str:
    key = f"{prefix}{document.key.removeprefix(PREFIX)}"
    s3.put_object(bucket, key, document.body, content_type=document.content_type)
    return key


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
