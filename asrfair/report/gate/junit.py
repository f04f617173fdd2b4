"""A gate's verdicts as JUnit XML, which every CI system reads.

A rule is a test suite, a cell a test case. Failed is a ``failure``. What could not be judged is a ``failure`` where the
policy says that it counts as failed, an ``error`` where it is reported, and ``skipped`` where it counts as passed.
"""

import re
from collections.abc import Sequence
from xml.etree import ElementTree

from asrfair.report.gate import text as words
from asrfair.report.gate.verdicts import PASSED, Cell, Rule, Verdicts
from asrfair.report.sentences import SYNTHETIC
from asrfair.report.text import safe

_ELEMENTS = {"fail": "failure", "report": "error", "pass": "skipped"}
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(found: Verdicts) -> str:
    """Return the XML; what XML cannot hold, and invisible characters, are written as escapes."""
    root = ElementTree.Element("testsuites", _totals(found, found.cells) | {"name": _text(found.title)})
    for number, rule in enumerate(found.rules):
        cells = found.of(number)
        suite = ElementTree.SubElement(root, "testsuite", {"name": _text(rule.name)} | _totals(found, cells))
        properties = ElementTree.SubElement(suite, "properties")
        for name, value in _properties(found, rule).items():
            ElementTree.SubElement(properties, "property", {"name": name, "value": _text(value)})
        for cell in cells:
            _case(suite, found, rule, cell)
        if found.synthetic:
            ElementTree.SubElement(suite, "system-out").text = _text(SYNTHETIC)
    ElementTree.indent(root)
    return "<?xml version='1.0' encoding='utf-8'?>\n" + ElementTree.tostring(root, encoding="unicode") + "\n"


def _totals(found: Verdicts, cells: Sequence[Cell]) -> dict[str, str]:
    counted = [_element(found, cell) for cell in cells]
    names = {"tests": None, "failures": "failure", "errors": "error", "skipped": "skipped"}
    return {key: str(len(counted) if name is None else counted.count(name)) for key, name in names.items()}


def _element(found: Verdicts, cell: Cell) -> str:
    return "" if cell.outcome == PASSED else _ELEMENTS[found.counts_as(cell)]


def _properties(found: Verdicts, rule: Rule) -> dict[str, str]:
    told = {
        "asks": words.about(found, rule),
        "limit": rule.limit.written,
        "policy": found.policy,
        "level": words.level(found.level),
        "how": " ".join((*words.how(found), *found.notes)),
        "run": found.run,
        "signature": str(found.signature.get("signature") or "unsigned"),
    }
    return told | ({"notice": SYNTHETIC} if found.synthetic else {})


def _case(suite: ElementTree.Element, found: Verdicts, rule: Rule, cell: Cell) -> None:
    attributes = {"classname": _text(rule.name), "name": _text(words.place(rule, cell))}
    case = ElementTree.SubElement(suite, "testcase", attributes)
    sentence = _text(words.sentence(found, cell))
    element = _element(found, cell)
    if element:
        message = {"message": sentence} if element == "skipped" else {"message": sentence, "type": cell.outcome}
        ElementTree.SubElement(case, element, message)
    else:
        ElementTree.SubElement(case, "system-out").text = sentence


def _text(text: str) -> str:
    shown = safe(text)
    return _NOT_XML.sub(lambda match: match[0].encode("unicode_escape", "surrogatepass").decode("ascii"), shown)
