"""Networks that are trained to do at once what is optimised otherwise."""
