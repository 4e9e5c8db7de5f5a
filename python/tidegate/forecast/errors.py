"""The one exception of the forecasting commands."""


class InputError(ValueError):
    """A file, option or series that its user can mend; the commands print it and exit with 2."""
