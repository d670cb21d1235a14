"""Copy some originals of a run for people to label: by numbers of detections, districts and doubt."""

import logging
from collections.abc import Iterator
from fractions import Fraction

from baas_crds.errors import ConfigurationError, NotPublishable
from baas_crds.samples import RetrainingSample
from baas_ledger.samples import found_in
from baas_preprocess.copies import Sampling, copied, finish, told
from baas_preprocess.digests import digest_of
from baas_preprocess.stores.places import CopyOfOriginal, Source
from baas_sampling.drawing import Candidate, Retraining, retraining_sample
from baas_sampling.labelling import worklist_text
from baas_sampling.strata import ALL, Strata, strata_of

_BEGUN = "Copying originals of {drawn} of {of} published pictures to {place} for people to label has begun."
_SENTENCE = "Originals of {drawn} of {of} published pictures were copied to {place} for people to label."

logger = logging.getLogger(__name__)


def draw_retraining_sample(sampling: Sampling, how: RetrainingSample, source: Source, *, threshold: float) -> None:
    """Draw originals of what a run published, copy them, and write the worklist, unless that was done before.

    `threshold` is the score from which on objects were redacted. A picture is drawn only as long as its original is
    there, and left out when it is not the one that was blurred. Raises `ConfigurationError` as `read_strata`,
    `DependencyUnavailable` and `Stopped`.
    """
    with sampling.taken() as is_wanted:
        if is_wanted:
            _draw(sampling, how, source, threshold)


def _draw(sampling: Sampling, how: RetrainingSample, source: Source, threshold: float) -> None:
    strata = read_strata(source, how.metadata)
    sample = retraining_sample(
        _candidates(sampling, strata),
        how.size,
        Retraining(seed=how.seed, share_without=Fraction(how.share_without_percent, 100), threshold=threshold),
    )
    names, number = [one.image for one in sample.drawn], sum(sample.there.values())
    copies = copied(sampling, names, lambda name: _copy(sampling, source, name), of=number, sentence=_BEGUN)
    for problem in copies.problems.values():
        logger.warning("An original was left out of the sample. %s", problem)
    drawn = [one for one in sample.drawn if one.image not in copies.problems]
    finish(
        sampling,
        copies.number,
        [one.image for one in drawn],
        worklist_text(drawn),
        of=number,
        sentence=_SENTENCE,
        left_out=len(copies.problems),
    )


def read_strata(source: Source, metadata: str | None) -> Strata | None:
    """Read which district each picture is of; without a file none is known.

    Raises `ConfigurationError` when there is no such file in the source, or it is no table of districts, and
    `DependencyUnavailable`.
    """
    if metadata is None:
        return None
    try:
        return strata_of(source.read(metadata).decode())
    except (NotPublishable, ValueError) as error:
        raise ConfigurationError(
            f"spec.retrainingSample.metadata: {metadata} in {source.label} cannot be used: {str(error).rstrip('.')}."
        ) from error


def _candidates(sampling: Sampling, strata: Strata | None) -> Iterator[Candidate]:
    for one in found_in(sampling.ledger, sampling.run):
        yield Candidate(
            name=one.name,
            scores=one.scores,
            is_corrected=one.is_corrected,
            stratum=strata.of(one.name) if strata else ALL,
        )


def _copy(sampling: Sampling, source: Source, name: str) -> str | None:
    image = sampling.published(name)
    if sampling.shelf.digest(name) == image.input_digest:
        return None
    try:
        data = source.read(name)
        if digest_of(data) != image.input_digest:
            return f"{name}: its original changed since it was blurred."
        sampling.shelf.write(name, data, CopyOfOriginal(original=digest_of(data)))
    except NotPublishable as error:
        return told(name, error)
    return None
