"""A commented policy to start from, with placeholders or with a run's own names."""

from pathlib import Path

from asrfair.report.text import label, safe
from asrfair.results import Results

HEAD = "# Put in your axes and conditions: accent and clean are placeholders."
EXAMPLE = f"""\
{HEAD}
# A policy for: asrfair check RUN --policy policy.toml
# Exit codes: 0 passed, 1 failed, 2 the policy or the run cannot be used, 3 could not be judged.

title = "Release gate"

# What it means that a rule could not be judged, for want of speakers mostly: "fail", "pass", or "report" (exit code 3).
# It has no default. A rule may say otherwise.
unjudged = "report"

# Bounds are one-sided: at 0.95 they are the ends of the 90 % interval. At most 5 % of runs in which nothing is worse
# than its limit raise an alarm, all rules together (Holm).
# level = 0.95

# A finished run that regression_... rules compare with; relative to this file. --baseline RUN wins.
# baseline = "last-release"

# What the baseline run transcribed and this run did not (an utterance that is gone, or whose transcription failed here
# alone) leaves a regression_... rule's cell unjudged: whoever drops the hard ones would look better. What is proved
# worse still fails. "allow" judges what is left, and tells how much is missing.
# missing = "unjudged"

# A rule asks one of two things of a bound:
#   fail_if = "proved worse"     an alarm: fails where the lower bound is beyond the limit, passes otherwise
#   require = "proved good"      non-inferiority: passes where the upper bound is within the limit; fails where proved
#                                worse; anything else could not be judged
# Counts are known, not estimated: require = "at least" or "at most".
# A limit has its unit: "25 %" (rates, shares), "3 points" (differences), "1.25 x" (ratios), "2 dB", "10 speakers".
# condition, backend, group, ladder: a name, a list of names, or "all" (the default). Unlabelled speakers are no group;
# axis = "overall" is all speakers together, the unlabelled too.

[[rule]]
name = "enough speakers to judge anybody"
measure = "speakers"                 # speakers, words, utterances: of each group
axis = "accent"
limit = "10 speakers"
require = "at least"

[[rule]]
name = "every group is served within 25 %"
measure = "worst_group_wer"          # wer is that of each group on its own
axis = "accent"
condition = "clean"
limit = "25 %"
require = "proved good"

[[rule]]
name = "no group errs half as often again as the reference group"
measure = "ratio"                    # difference, ratio; and each _to_overall, _to_rest
axis = "accent"
limit = "1.5 x"
fail_if = "proved worse"
unjudged = "pass"

[[rule]]
name = "no condition costs a group much more than the reference group"
measure = "interaction_difference"   # interaction_ratio; condition_difference and condition_ratio are a group's own
axis = "accent"
limit = "10 points"
fail_if = "proved worse"
unjudged = "pass"

[[rule]]
name = "hardly anything fails"
measure = "failure_share"            # "at most" asks for what was counted in this run, not for a bound
axis = "overall"
limit = "1 %"
require = "at most"

# Other measures: gap and between_group_sd (points); handicap along a ladder ("2 dB"); measured_misses of conditions
# ("%", at most); backend_difference, backend_ratio, backend_interaction_... against the baseline recogniser;
# character_error_rate, match_error_rate, word_information_lost, word_precision, word_recall, word_f1 (these three are
# leasts), mean_utterance_wer, macro_average_wer, median_speaker_wer, share_of_speakers_above_0.5 and the like (%).

# [[rule]]
# name = "no group got worse since the last release"
# measure = "regression_difference"  # regression_ratio, regression_interaction_difference, regression_interaction_ratio
# axis = "accent"
# limit = "2 points"
# require = "proved good"
"""


def example_of(run: Path) -> str:
    """Return the example with a run's own names: the first axis with a reference group (or the first), the baseline.

    A rule that the run could not answer is left out: of an extra cost where one condition alone was measured or no
    reference group is named. Raises RunFolderError for what is no finished run.
    """
    import tomli_w

    signature = Results.load(run).signature
    axes = signature.get("axes") or {}
    references = {name: about.get("reference_group") for name, about in axes.items()}
    axis = next((name for name, reference in references.items() if reference is not None), next(iter(axes), "overall"))
    reference = references.get(axis)
    conditions = signature.get("conditions") or {}
    condition = signature.get("baseline_condition") or next(iter(conditions), "clean")
    head, *rules = EXAMPLE.split("[[rule]]\n")
    if reference is None or len(conditions) < 2:
        rules = [rule for rule in rules if 'measure = "interaction_difference"' not in rule or rule.startswith("# ")]
    text = "[[rule]]\n".join([head, *rules])
    if reference is None:
        text = text.replace('measure = "ratio"        ', 'measure = "ratio_to_overall"')
        text = text.replace("half as often again as the reference group", "half as often again as all speakers")
    named = {'axis = "accent"': {"axis": axis}, 'condition = "clean"': {"condition": condition}}
    for placeholder, own in named.items():
        text = text.replace(placeholder, tomli_w.dumps(own).strip())
    against = "all speakers" if reference is None else label(reference)
    whose = f"# The axis and the condition are those of {safe(str(run))}; compared with: {against}."
    return text.replace(HEAD, whose, 1)
