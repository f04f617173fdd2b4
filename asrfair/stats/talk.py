"""How much speakers talk, which with their spread makes the variance of a rate before it is measured."""

from dataclasses import dataclass

import numpy as np

from asrfair.stats import planning
from asrfair.stats.arrays import Bools, Floats, Ints, ratio, total
from asrfair.stats.intervals import moment_df
from asrfair.stats.planning import Spread


@dataclass(frozen=True)
class Side:
    """Who talks how much at which rate; each field shape=(n,). ``unknown`` are utterances without a speaker."""

    speakers: Ints
    words: Floats
    talk_cv2: Floats
    df: Floats
    unknown: Ints
    rate: Floats

    @property
    def judged(self) -> Bools:
        """Where an interval can be given."""
        judged: Bools = (self.speakers >= 2) & (self.unknown == 0)
        return judged

    @property
    def words_per_speaker(self) -> Floats:
        """The mean reference words of a speaker, nan without one."""
        return ratio(self.words, self.speakers)

    def known_rate(self, spread: Spread) -> Floats:
        """Return the rates, the spread's where there is none or no error to tell one from."""
        return np.where(self.rate > 0, self.rate, spread.rate)

    def variance(self, spread: Spread) -> Floats:
        """Return the variance of the log rate, nan where it is not judged."""
        variance = planning.log_variance(
            self.known_rate(spread),
            cv2=spread.cv2,
            dispersion=spread.dispersion,
            speakers=self.speakers,
            words_per_speaker=self.words_per_speaker,
            talk_cv2=self.talk_cv2,
        )
        return np.where(self.judged, variance, np.nan)

    def between(self, spread: Spread) -> Floats:
        """Return the speakers' part of the variance."""
        return ratio(spread.cv2 * (1 + self.talk_cv2), self.speakers)


def talk(cell: Ints, words: Floats, *, unknown: Ints, rate: Floats) -> Side:
    """Return who talks how much from one row per cell and speaker; ``rate`` and ``unknown`` are by cell."""
    cells = len(rate)
    speakers = np.bincount(cell, words > 0, cells).astype(np.int64)
    all_words = total(cell, words, cells)
    q = total(cell, ratio(words, all_words[cell]) ** 2, cells)
    return Side(
        speakers=speakers,
        words=all_words,
        talk_cv2=np.maximum(speakers * q - 1, 0.0),
        df=np.where(speakers >= 2, moment_df(cell, words, cells=cells), np.nan),
        unknown=unknown,
        rate=rate,
    )
