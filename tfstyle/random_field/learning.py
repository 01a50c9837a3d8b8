"""The multipliers of FRAME, learned, and the filters, chosen one after the other."""

import tensorflow as tf

STEP = 0.3
SMALLEST = 0.003  # share of a bin: smaller ones change no faster


def learned(
    multipliers: tf.Tensor, model: tf.Tensor, observed: tf.Tensor, step: float = STEP
) -> tf.Tensor:
    """Multipliers after a step up the likelihood of the observed picture.

    Its gradient is E_model[histogram] - observed histogram (Zhu, Wu & Mumford 1998, equation 14).
    It is divided by the share of the bin, which is about the curvature, so that rare responses are
    learned as fast as common ones.

    Args:
        multipliers: float32 `[K, BINS]`.
        model, observed: histograms such as these; that of the model is estimated from samples.
        step: of Newton's step, if the bins were independent.
    """
    return multipliers + step * (model - observed) / (0.5 * (model + observed) + SMALLEST)


def error(model: tf.Tensor, observed: tf.Tensor) -> tf.Tensor:
    """The L1 distance of histograms, from 0 to 2, float32 `[K]`."""
    return tf.reduce_sum(tf.abs(model - observed), axis=-1)
