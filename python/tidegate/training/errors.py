"""Errors of training that a program may want to catch."""


class TrainingDivergedError(ArithmeticError):
    """The loss, a gradient or a weight became NaN or inf; the last good weights are kept.

    Attributes
    ----------
    epoch, batch : int
        Where, counted from 0.
    """

    def __init__(self, message: str, epoch: int, batch: int) -> None:
        super().__init__(message)
        self.epoch = epoch
        self.batch = batch
