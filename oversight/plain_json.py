"""JSON that every reader takes: what is not known is null, where Python would write NaN."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, cast


def json_text(value: Any, *, indent: int | None = 2) -> str:
    """Plain values as JSON; what is no finite number becomes null.

    >>> json_text({"rating": float("nan"), "rounds": [1, 2.5]}, indent=None)
    '{"rating": null, "rounds": [1, 2.5]}'
    """
    return json.dumps(_known(value), indent=indent, allow_nan=False)


def _known(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _known(one) for key, one in cast(Mapping[Any, Any], value).items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_known(one) for one in cast(Sequence[Any], value)]
    return value
