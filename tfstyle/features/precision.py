"""Which floating-point type a network computes in."""

import os
import pathlib

import tensorflow as tf


def policy(precision: str) -> str:
    """Keras' dtype policy for "float32", "bfloat16" or "auto"; variables stay float32 in all."""
    if precision == "auto":
        precision = "bfloat16" if has_bfloat16() else "float32"
    return {"float32": "float32", "bfloat16": "mixed_bfloat16"}[precision]


def has_bfloat16() -> bool:
    """Whether the device multiplies bfloat16 faster than float32.

    A CPU does so with AMX or AVX512-BF16 instructions, through oneDNN; without them bfloat16 is
    emulated and many times slower. GPUs do from NVIDIA's Ampere on (compute capability 8).
    """
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        details = tf.config.experimental.get_device_details(gpus[0])
        return details.get("compute_capability", (0, 0)) >= (8, 0)
    if os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "0":
        return False
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    flags = cpuinfo.read_text().split() if cpuinfo.is_file() else []
    return "amx_bf16" in flags or "avx512_bf16" in flags
