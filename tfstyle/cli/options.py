"""Flags, made from the signature of the function behind a command: defaults are written there."""

import dataclasses
import inspect
import re
import textwrap

from absl import flags

from tfstyle import batch, discriminator, features, optimizers, statistics
from tfstyle.cli import parsers

REQUIRED = inspect.Parameter.empty  # in the place of a default

# Flags of the discriminator: the fields of its class.
PREFIX = "discriminator_"
LEARNING = {
    PREFIX + field.name: field.default
    for field in dataclasses.fields(discriminator.Discriminator)
    if field.name != "seed"
}

GROUPS = {
    "Pictures": (
        "content",
        "style",
        "style_blend",
        "output",
        "version",
        "output_dir",
        "extension",
        "size",
        "max_size",
        "style_size",
        "init",
        "background",
        "seed",
    ),
    "Engine": ("engine", "workers", "ray_address"),
    "Comparison": ("statistics", "sweep"),
    "Losses": (
        "layer",
        "content_weight",
        "style_weight",
        "tv_weight",
        "tv_beta",
        "statistic",
        "content_layers",
        "style_layers",
        "style_layer_weights",
    ),
    "Discriminator, for --statistic=discriminator": tuple(LEARNING),
    "Network": ("features", "weights", "pooling", "padding", "precision"),
    "Optimisation": ("optimizer", "evaluations", "max_evaluations", "scales", "memory"),
}

HELP = {
    "content": "picture whose content is kept",
    "style": "picture whose style or texture is taken, or several, separated by commas",
    "style_blend": "one number for each style, of which the ratios count; default: equal",
    "output": "picture to write: .png, .jpg, .webp, .tiff or .bmp",
    "compare output": "folder to write to",
    "export output": "directory of the model, as servers watch it",
    "version": "number of the directory within, which must not be there yet",
    "max_size": "longest side of a picture that is accepted, in pixels",
    "max_evaluations": "most evaluations that a request may ask for",
    "export evaluations": "evaluations for requests that name none",
    "export init": "where the image starts: {init}",
    "export optimizer": "how the image is changed, lbfgs or adam; default: lbfgs, adam for the "
    "discriminator",
    "export precision": "auto takes bfloat16 where this processor has it: a server without it is "
    "faster with float32",
    "batch content": "pictures whose content is kept: names and patterns such as 'photos/*.jpg', "
    "separated by commas",
    "output_dir": "folder to write to; pictures that are there already are not made again",
    "extension": "of the pictures that are written",
    "engine": "who paints: processes of this machine, or actors of a Ray cluster",
    "workers": "pictures painted at a time, each by a process with its own network",
    "ray_address": "of a cluster, such as ray://head:10001; default: the one that this process is "
    "part of, or a new one on this machine",
    "size": "long side in pixels, or WIDTHxHEIGHT, to which a content picture is stretched",
    "style_size": "long side of the style picture in pixels: smaller for finer strokes; default: "
    "as the result, or the picture's own if less",
    "init": "where the image starts: {init}, or a picture; it is shrunk to the first scale, so "
    "take --scales=1 to go on from a finished one",
    "statistics": "names of the statistics that are compared; flags without a default here have "
    "that of stylize and texture",
    "sweep": "another flag to be compared, and its values: style_weight=10,100,1000; separated by "
    "semicolons where a value holds commas",
    "background": "colour behind transparent pixels, a name or #rrggbb",
    "seed": "of the noise, and of random directions",
    "layer": "layers whose features are kept",
    "content_weight": "weight of the content loss",
    "style_weight": "weight of the style loss: more for more style",
    "tv_weight": "weight of the total variation: more for smoother",
    "tv_beta": "exponent of the total variation: 1 keeps edges, 2 is smoother",
    "statistic": "what is matched on the style layers",
    "content_layers": "layers compared position by position",
    "style_layers": "layers compared by statistics",
    "style_layer_weights": "one number for each style layer; default: equal",
    "discriminator_hidden": "channels of its hidden layers; nothing: logistic regression",
    "discriminator_features": "quadratic: products of channels besides the channels",
    "discriminator_image_loss": "what the image does to its outputs",
    "discriminator_steps": "steps of its training in a lesson",
    "discriminator_every": "steps of the image between two lessons",
    "discriminator_warm_up": "more steps of its training in the first lesson",
    "discriminator_learning_rate": "of its training by Adam",
    "discriminator_positions": "positions of each picture drawn for a step; 0: all",
    "discriminator_label_smoothing": "the style is labelled 1 minus this; up to 0.5",
    "discriminator_penalty": "weight of its squared gradient at the style's features",
    "features": "feature network",
    "weights": "file of network weights (.npz, .h5), or imagenet: download VGG19's; default: the "
    "network's own",
    "pooling": "average is smoother, max is what VGG19 was trained with",
    "padding": "reflect leaves no frame, zeros is what VGG19 was trained with",
    "precision": "auto takes bfloat16 where the processor has it",
    "optimizer": "how the image is changed; default: lbfgs, adam for the discriminator",
    "evaluations": "budget of loss-and-gradient evaluations",
    "memory": "what the run may take, such as 8GB or 512MB: larger levels are worked on in blocks; "
    "default: most of what the machine has",
    "scales": "levels from coarse to fine; default: from about 128 pixels up, 1: full size only",
}

CHOICES = {
    "extension": batch.EXTENSIONS,
    "engine": batch.ENGINES,
    "statistic": statistics.ALL,
    "statistics": statistics.ALL,
    "discriminator_features": discriminator.FEATURES,
    "discriminator_image_loss": discriminator.IMAGE_LOSSES,
    "features": features.FEATURES,
    "pooling": features.POOLING,
    "padding": features.PADDING,
    "precision": features.PRECISION,
    "optimizer": optimizers.OPTIMIZERS,
}
WEIGHTS = ("content_weight", "style_weight", "tv_weight")
WEIGHTS += ("discriminator_learning_rate", "discriminator_label_smoothing", "discriminator_penalty")
LISTS = ("statistics", "style", "layer", "content_layers", "style_layers")
COUNTS = ("workers", "style_size", "evaluations", "scales", "version", "max_size")
COUNTS += ("max_evaluations", "discriminator_steps", "discriminator_every")
NATURALS = ("seed", "discriminator_warm_up", "discriminator_positions")


def defaults(function) -> dict:
    """Names and defaults of the flags of a function; those without a default must be given."""
    parameters = inspect.signature(function).parameters.items()
    found = {name: parameter.default for name, parameter in parameters if name != "callback"}
    return found | (LEARNING if "statistic" in found else {})


def parse(defaults, command, inits, arguments) -> dict | None:
    """The flags of a command.

    Args:
        defaults: name to default, as from the function above.
        command: name, for the help.
        inits: names that `init` may have.
        arguments: what was typed behind the command.

    Returns:
        The values, or `None` where the help was asked for and printed.

    Raises:
        absl.flags.Error, ValueError: an unknown flag or an impossible value.
    """
    if any(argument in ("-h", "-help", "--help") for argument in arguments):
        print(_help(command, defaults, inits))
        return None
    values = flags.FlagValues()
    required = [name for name, value in defaults.items() if value is REQUIRED]
    for name, default in defaults.items():
        _define(values, name, None if name in required else default)
    rest = values([command, *arguments])[1:]
    if rest:
        raise ValueError(f"expected flags only, received {rest[0]!r}; write --flag=value")
    for name in required:
        given = values[name].value
        if not given or isinstance(given, list) and "" in given:
            raise ValueError(f"--{name}: expected a file, received nothing")
    return {name: values[name].value for name in defaults}


def read(name, text):
    """The value that a flag takes from a text."""
    values = flags.FlagValues()
    _define(values, name, None)
    values(["", f"--{name}={text}"])
    return values[name].value


def _define(values, name, default):
    options = {"help": HELP[name], "flag_values": values}
    if name in LISTS:
        flags.DEFINE_list(name, default and list(default), **options)
    elif name in CHOICES:
        flags.DEFINE_enum(name, default, list(CHOICES[name]), **options)
    elif name in WEIGHTS:
        flags.DEFINE_float(name, default, lower_bound=0, **options)
    elif name == "tv_beta":
        flags.DEFINE_float(name, default, lower_bound=1, **options)
    elif name in COUNTS:
        flags.DEFINE_integer(name, default, lower_bound=1, **options)
    elif name in NATURALS:
        flags.DEFINE_integer(name, default, lower_bound=0, **options)
    elif name in ("style_blend", "style_layer_weights"):
        flags.DEFINE(parsers.NumbersParser(), name, default, **options)
    elif name == "discriminator_hidden":
        flags.DEFINE(parsers.IntegersParser(), name, default, **options)
    elif name == "size":
        flags.DEFINE(parsers.SizeParser(), name, default, **options)
    else:
        flags.DEFINE_string(name, default, **options)


def _help(command, defaults, inits):
    lines = [f"usage: tfstyle {command} --flag=value ..."]
    for group, names in GROUPS.items():
        known = [name for name in names if name in defaults]
        lines += ["", f"{group}:"] if known else []
        lines += [
            _help_line(name, HELP.get(f"{command} {name}", HELP[name]), defaults[name], inits)
            for name in known
        ]
    return "\n".join(lines)


def _help_line(name, text, default, inits):
    text = text.format(init=" or ".join(inits))
    if name in CHOICES:
        text += f"; {', '.join(CHOICES[name])}"
    if default is REQUIRED:
        text += " (required)"
    elif default is not None:
        text += f" ({','.join(map(str, default)) if isinstance(default, tuple) else default})"
    text = re.sub(r"\s+", " ", text)
    return textwrap.fill(
        text,
        100,
        initial_indent=f"  --{name:31}",
        subsequent_indent=" " * 35,
        break_on_hyphens=False,
    )
