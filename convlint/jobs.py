"""What the worker is asked to do: one job a file. Written by discovery and plan, read by the worker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from convlint.facts import FileFacts, InputOrigin, RunCall, RunInput, Scenario, Span, Way
from convlint.filenames import display
from convlint.hardware import Precision
from convlint.inputspec import InputSpec


class JobValue(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Expression(JobValue):
    """A piece of the user's code, to be evaluated where it stands: the names in it are those of that scope."""

    text: str  # "Net(len(vocab), 10)"
    path: str  # absolute, a key of Job.files
    row: int  # the line it starts on
    is_written: bool = True  # False: put together from several places of the code


class Step(JobValue):
    """A transform of a torchvision dataset that may change the shape of an image."""

    name: str  # "Resize"
    call: Expression  # "transforms.Resize((args.size, args.size))"


class Hint(JobValue):
    """Evidence for the inputs of forward that nobody declared, strongest first in a model's list.

    `inputs`: shapes written down. `call`: the arguments of this call are forward's. `shape`: a tuple of sizes, or
    several. `image`: what a dataset and its transforms give.
    """

    kind: Literal["inputs", "call", "shape", "image"]
    source: str  # as reports print it: "MNIST (train.py, line 31)"
    is_evidence: bool = True  # an input size that it excludes is an error; else it is only a candidate to try
    is_declared: bool = False  # the user says so for convlint: it stands also where the first layers refuse it
    is_certain: bool = False  # this goes into the model of `site`: where its first layer refuses it, that is an error
    site: Expression | None = None  # the construction of the very model that it is about, where known
    fed: Span | None = None  # the call that feeds the model; its file name is absolute
    inputs: tuple[InputSpec, ...] = ()
    call: Expression | None = None
    attribute: str | None = None  # of the model, where it holds the arguments of `call` itself once it is built
    shape: Expression | None = None
    has_batch: bool = True  # of `shape`: whether its first size is the batch
    size: tuple[int, int, int] | None = None  # of `image`: channels, height and width before the steps, where known
    steps: tuple[Step, ...] = ()
    is_flat: bool = False  # of `image`: all sizes but the batch become one


class UserFile(JobValue):
    """Where a file of the project stands, so that it can be imported."""

    filename: str  # as reports print it
    module: str  # dotted name it is imported under
    search_path: tuple[str, ...]


class ModelJob(JobValue):
    target: str  # "Net": a class, a factory function or an instance of the file
    kind: Literal["class", "factory", "instance"] = "class"
    row: int = 1
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = {}
    inputs: tuple[InputSpec, ...] | None = None  # None: found out from the layers
    source: str | None = None  # where `inputs` come from: "pyproject.toml", "--input"
    origin: InputOrigin = "evidence"  # the same as a kind
    declared: bool = False  # named in the configuration, so that its constructor's arguments are known
    sites: tuple[Expression, ...] = ()  # calls that construct it, anywhere in the project
    hints: tuple[Hint, ...] = ()  # strongest first


class Verify(JobValue):
    """How models are to be run on real tensors: what predictions are made for."""

    device: str = "cpu"  # "cuda", "cuda:1", "mps", "xpu", "cpu"
    precision: Precision = "fp32"
    batch: int | None = None  # one to run beside 1 and 2
    measures: bool = False  # what a run takes of the device as well
    memory: int | None = None  # bytes of another device, into which the largest batch is to fit
    compiles: bool = False  # hold torch.compile against plain runs
    exports: bool = False  # and torch.export


class Handed(JobValue):
    """What a call gives that is expected to be refused."""

    call: RunCall
    number: int = 0  # which one of the calls of this layer, or of this function on this line


class TrialRun(JobValue):
    """One real run; `handed` is what calls give that are expected to be refused, in their order."""

    scenario: Scenario
    handed: tuple[Handed, ...] = ()
    watches: bool = False  # look for numbers that are not finite after each call


class Wanted(JobValue):
    """One number of a layer's output, which is to be taken apart."""

    layer: str  # its path
    at: tuple[int, ...] | None = None  # the place after the batch; None: the first
    call: int = 1  # which one of its calls, counted from 1
    scenario: Scenario


class TrialJob(JobValue):
    """The real runs of one model of a file, which is the only one of its job."""

    way: Way
    feed: tuple[RunInput, ...]
    runs: tuple[TrialRun, ...] = ()
    budget: Scenario | None = None  # measure what this run takes as well
    compiles: bool = False  # after the runs, hold torch.compile against them
    exports: bool = False  # and torch.export
    wanted: Wanted | None = None  # instead of all that: take this number apart


class PlannedModel(JobValue):
    """A model of the run that a script may build."""

    target: str
    kind: Literal["class", "factory", "instance"]
    row: int


class ScriptRun(JobValue):
    """The dry run of a script: what it builds and feeds is to be found out."""

    models: dict[str, tuple[PlannedModel, ...]] = {}  # by absolute path of their file


class Job(JobValue):
    path: str  # absolute
    filename: str  # as reports print it
    module: str  # dotted name it is imported under: "models.net"
    search_path: tuple[str, ...]  # put before sys.path
    models: tuple[ModelJob, ...]
    user_roots: tuple[str, ...]  # absolute folders whose files count as the user's own code
    files: dict[str, UserFile] = {}  # by absolute path: the files that sites and hints stand in
    timeout: float = 60.0  # seconds of wall time for the whole file
    memory: int = 4096  # megabytes that its code may take
    verify: Verify | None = None  # predict the runs that this asks for
    script: ScriptRun | None = None  # instead of checking models: run the file
    trial: TrialJob | None = None  # instead: make these runs, as `verify` says
    signatures: dict[str, str] = {}  # by absolute path: the texts of the project's signature files
    texts: dict[str, str] = {}  # by absolute path: what takes the place of a file's text

    @property
    def section(self) -> str:
        """The table of the configuration that has the limits of such a job."""
        return "[tool.convlint]" if self.trial is None else "[tool.convlint.verify]"

    def shown(self, path: str, folder: str | None = None) -> str:
        """A file as reports print it; `folder` is that of `filenames.display`."""
        return self.filename if path == self.path else display(path, folder)


Runner = Callable[[Job], FileFacts]
"""Does the work of one job."""
