"""NIST global mapping files (GLM): string-rewriting rules for both sides before they are compared.

    ;; comment: the first token of the first line marks comments, here and at the ends of lines
    * case_sensitive = 'F'
    CANCELLED  =>  CANCELED
    VIDEOTAPE  =>  VIDEO TAPE / [ ] __ [ ]
    [HE'S]     =>  [{HE IS / HE HAS}] / [ ] __ [ ]

Conventions
-----------
``A => B / C __ D`` rewrites A as B after C and before D; brackets or double quotes keep the spaces in them. The text
is read once from left to right: at each character the first rule of the file that fits rewrites, and reading goes on
behind it; C and D are looked for in the text as it was. A rule without C and D also fits inside words. Text has one
space between words, at its beginning and at its end; what is left is trimmed.

Case does not count and the result is in lower case, as csrfilt (which raises text to upper case) and sclite (which
lowers it) compare text together. ``INPUT_DEPENDENT_APPLICATION``, by which NIST lets rules expand contractions in
hypotheses only, since its references were expanded by hand, is a comment here: both sides are treated alike.

Source: SCTK, doc/GLMRules.txt and src/rfilter1 (its limits on lengths and numbers of rules are not kept).
"""

import functools
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter

from asrfair.errors import InputError, expected

HEADER = re.compile(r"\*\s*(\w+)\s*[=:]?\s*(['\"])(.*)\2\s*")
CONTEXT = re.compile(r"([^_]*)_\S*(.*)")
YES, NO = ("T", "YES", "TRUE"), ("F", "NO", "FALSE")
# What a header may say; None is anything.
HEADERS: dict[str, tuple[str, ...] | None] = {
    "NAME": None,
    "DESC": None,
    "FORMAT": ("NIST1", "NIST2"),
    "MAX_NRULES": None,
    "COPY_NO_HIT": YES,
    "CASE_SENSITIVE": NO,
}
# Rules are found by the first characters of what they rewrite.
FIRST = 4


@dataclass(frozen=True)
class Rule:
    """What is rewritten as what, and between what; all in lower case, with the spaces that count."""

    pattern: str
    replacement: str
    before: str
    after: str


def read_rules(lines: Sequence[str], *, where: object) -> tuple[Rule, ...]:
    """Return the rules of a GLM file in order; raises InputError naming ``where`` and the line."""
    mark = lines[0].split(maxsplit=1)[0] if lines and lines[0].strip() else ""
    if not mark or "=>" in lines[0]:
        raise InputError(f"{where}, line 1: found no comment; expected the mark of comments, for example ;;")
    rules = []
    for number, line in enumerate(lines[1:], start=2):
        text = line.partition(mark)[0].strip()
        try:
            if text.startswith("*"):
                _check_header(text)
            elif text:
                rules.append(_rule(text.lower()))
        except InputError as error:
            raise InputError(f"{where}, line {number}: {error}") from None
    return tuple(rules)


def has_alternatives(rules: Sequence[Rule]) -> bool:
    """Return whether a rule makes ``{ one / another }``."""
    return any("{" in rule.replacement for rule in rules)


def rewriter(rules: Sequence[Rule]) -> Callable[[str], str]:
    """Return the function that applies the rules to a text."""
    index: dict[str, list[tuple[int, Rule]]] = defaultdict(list)
    for order, rule in enumerate(rules):
        index[rule.pattern[:FIRST]].append((order, rule))

    @functools.cache
    def candidates(first: str) -> list[Rule]:
        found = [entry for length in range(1, len(first) + 1) for entry in index.get(first[:length], ())]
        return [rule for _, rule in sorted(found, key=itemgetter(0))]

    def fitting(text: str, at: int) -> Rule | None:
        for rule in candidates(text[at : at + FIRST]):
            end = at + len(rule.pattern)
            if (
                text.startswith(rule.pattern, at)
                and text.startswith(rule.after, end)
                and text.endswith(rule.before, 0, at)
            ):
                return rule
        return None

    def rewrite(text: str) -> str:
        text = f" {' '.join(text.lower().split())} "
        written, at = [], 0
        while at < len(text):
            rule = fitting(text, at)
            written.append(rule.replacement if rule else text[at])
            at += len(rule.pattern) if rule else 1
        return " ".join("".join(written).split())

    return rewrite


def _check_header(text: str) -> None:
    header = HEADER.fullmatch(text)
    if header is None or header[1].upper() not in HEADERS:
        raise InputError(
            expected(f"header «{text}»", "no header that is known", (f"* {name} = '…'" for name in HEADERS))
        )
    valid = HEADERS[header[1].upper()]
    if valid is not None and header[3].upper() not in valid:
        raise InputError(expected(f"header {header[1]}", f"'{header[3]}', which is not supported", valid))


def _rule(text: str) -> Rule:
    pattern, arrow, rest = text.partition("=>")
    if not arrow:
        raise InputError(f"found «{text}»; expected A => B or A => B / C __ D")
    if not _bare(pattern):
        raise InputError(f"found «{text}», which rewrites nothing; expected A => B")
    replacement, before, after = _with_context(rest.strip())
    if replacement.count("{") != replacement.count("}"):
        raise InputError(f"found «{text}», whose braces do not match; expected [{{ B / B }}]")
    return Rule(_bare(pattern), replacement, before, after)


def _with_context(rest: str) -> tuple[str, str, str]:
    """Split what follows the arrow; the last slash begins the context unless brackets close around it."""
    replacement, slash, context = rest.rpartition("/")
    if not slash or re.match(r"[^\[]*\]", context):
        return _bare(rest), "", ""
    found = CONTEXT.fullmatch(context)
    if found is None:
        raise InputError(f"found «{rest}» without __ behind the last slash; expected B / C __ D, or [{{ B / B }}]")
    return _bare(replacement), _bare(found[1]), _bare(found[2])


def _bare(text: str) -> str:
    text = text.strip()
    if len(text) > 1 and (text[0], text[-1]) in (("[", "]"), ('"', '"')):
        return text[1:-1]
    if text.startswith("[") or text.endswith("]"):
        raise InputError(f"found «{text}», whose brackets do not match; expected [ ] around it or none")
    return text
