"""What every store checks before its engine is asked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from local.stores import metadata_filter
from local.stores.store import DATA_SOURCE_ID, SOURCE_URI, Filter, Hit, StoreError


class CheckedStore(ABC):
    """A Store whose engine is only asked for what Bedrock lets through and the store can do.

    `kind` is what messages call it, `unsupported` the operators of filters that it does not know.
    """

    kind: str
    hybrid: bool
    unsupported: Sequence[str] = ()

    def delete_document(self, source_uri: str) -> int:
        """Remove the chunks of a document."""
        return self._delete(SOURCE_URI, source_uri)

    def delete_data_source(self, data_source_id: str) -> int:
        """Remove the chunks of a data source."""
        return self._delete(DATA_SOURCE_ID, data_source_id)

    def search(
        self,
        *,
        vector: Sequence[float],
        text: str | None = None,
        limit: int = 5,
        accepts: Filter | None = None,
    ) -> list[Hit]:
        """The nearest chunks, best first; hybrid when `text` is given."""
        if text is not None and not self.hybrid:
            raise StoreError(f"HYBRID search type is not supported by {self.kind}")
        if accepts is not None:
            metadata_filter.check(accepts, unsupported=self.unsupported)
        return self._search(vector, text, limit, accepts)

    @abstractmethod
    def _search(
        self, vector: Sequence[float], text: str | None, limit: int, accepts: Filter | None
    ) -> list[Hit]:
        """As `search`, whose checks it has passed."""

    @abstractmethod
    def _delete(self, name: str, value: str) -> int:
        """Remove the chunks for which Bedrock's key `name` has this value; how many there were."""
