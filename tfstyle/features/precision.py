"""Which floating-point type a network computes in."""

from tfstyle import device


def policy(precision: str) -> str:
    """Keras' dtype policy for "float32", "bfloat16" or "auto"; variables stay float32 in all."""
    if precision == "auto":
        precision = device.find().precision(precision)
    return {"float32": "float32", "bfloat16": "mixed_bfloat16"}[precision]
