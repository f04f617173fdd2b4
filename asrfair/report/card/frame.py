"""The frame of a service card: its sections, the owner's marked as empty, and the places of the measured parts.

Written once, when a card is made; afterwards it is the owner's, and only what stands between markers is replaced.
"""

from asrfair.report.card.markers import begin, end


def frame(title: str) -> str:
    """Return a new card in Markdown, its measured parts empty; ``title`` is escaped already."""
    lines = []
    for line in _FRAME.strip("\n").splitlines():
        if line.startswith("@"):
            lines += [begin(line[1:]), end(line[1:])]
        elif line.startswith("? "):
            lines.append(f"> **To be filled in by the owner of the service:** {line[2:]}")
        else:
            lines.append(line)
    return "\n".join(lines).replace("{title}", title) + "\n"


_FRAME = """
# Service card: {title}

@front

A service card says what a service is for, how it was made and tested, and what those who use it should look after.
The parts between markers (`asrfair:begin`, `asrfair:end`) are measured, and `asrfair card --update` replaces them;
everything else is the owner's. Results on one's own content may differ from those here.

## Overview

? What the service does, for whom, through which interfaces, and which features of it this card is about.

What is judged is the *effective triple*: an audio recording, the configuration it was transcribed with, and the
transcript. A transcript is compared word by word with what was said; words are *substituted*, *deleted* or *inserted*.
The word error rate (WER) is the number of these errors over the number of words that were said. Precision is the share
of the transcribed words that are right, recall the share of the spoken words that were transcribed rightly, and F1
their harmonic mean.

Recordings of the same words differ in two ways. *Intrinsic variation* is what speakers bring and a recogniser should
cope with: their words, pronunciation, rate and vocabulary. *Confounding variation* is what else reaches the recogniser:
noise, equipment, the room, the line. Groups of speakers stand for the first and acoustic conditions for the second;
this card measures both, and each within the other.

@overview

## Intended use and limitations

? Capabilities, languages and dialects, audio formats and sample rates.

? For each use case: the business problem, the inputs, the sources of variation to expect, and which errors
> (substitutions, deletions, insertions; which words) cost most.

? How speakers are told of the transcription, and consent to it.

? Uses that are not supported, synthetic speech among them.

## Design

### Machine learning

? What kind of model, trained on what, by whom, when.

### Controllability

? What a customer can set (vocabulary, language, filters), and what it does to the transcript.

### Performance expectations

? Two example applications with different audio, speakers and costs of errors, and what to expect in each.

### Test-driven methodology

No single data set stands for all uses. This one was measured as follows.

@measured

? Other data sets the service is tested on, their size, and how versions of them are kept.

### Disparities between groups

@groups

### Robustness

@robustness

### What could not be judged

@not-judged

### Explainability

? What the transcript says of its own certainty (confidences of words), and whether that is calibrated. Not measured
> here.

### Privacy

? What audio and text are kept, where, for how long, and for what.

### Security

? Who can reach audio and transcripts, and how they are protected.

### Transparency

? Where changes of the service are announced, and where customers are told that speech is transcribed by a machine.

### Governance

? Who answers for this card, and what happens when a disparity is found.

## Deployment and how to keep it working

? What transcripts must be good enough for, and how that is measured on one's own content; configuration; recording
> conditions; where people check transcripts; how differences between groups and sites are watched.

A service drifts as its speakers, their equipment and the model change: measure a representative set again, on a fixed
schedule and before each update of the model, and compare.

@deployment

## Further information

? Documents, contacts, where to send a report of harm.

## Glossary

- **Adjusted p**: the chance of so large a disparity where there is none, adjusted for the number of comparisons.
- **Condition**: what was done to the sound before it was recognised; *clean* is the recording as it came.
- **Could not be judged**: too few speakers or words for an interval. Neither good nor bad.
- **Disparity**: a difference between the WER of two groups; the group with the higher one is *served worse*.
- **Handicap**: by how much better the conditions must be for a group to be served as well as the reference group.
- **Imputed labels**: a group's labels that were guessed, not given by or asked of the speakers.
- **Interval**: the rates that the data leave open, at the level given. Speakers, not utterances, are the sample.

## Tables

@tables

@signature
"""
