"""Errors a person can act on: each message says what was found and what to do."""


class VeridicalError(Exception):
    """Base of every error that is shown to the user as one sentence."""


class StudyError(VeridicalError):
    """A study, participant or session that is missing, damaged or badly named."""


class StimulusError(VeridicalError):
    """A stimulus file that is missing, changed or cannot be decoded."""


class ProtocolError(VeridicalError):
    """A protocol whose constraints cannot be met."""


class StreamError(VeridicalError):
    """A stream that is missing, silent, ambiguous or wrongly described."""


class StorageError(VeridicalError):
    """A file or folder that cannot be read or written."""


class RecordingError(VeridicalError):
    """A recording that cannot be opened or lacks what is asked of it."""


class AnalysisError(VeridicalError):
    """Data from which the asked-for analysis cannot be made."""


class ProcessError(VeridicalError):
    """A child process that did not start, did not answer or died."""
