"""The policy of a gate: a TOML file of rules, read strictly."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from asrfair.cards import build, digest, read_toml
from asrfair.errors import CardError
from asrfair.report.gate.verdicts import Limit, Unjudged
from asrfair.run.gate_measures import Measure, find_measure, parse_limit

EVERY = "all"
Names = str | tuple[str, ...]


@dataclass(frozen=True)
class PolicyRule:
    """One rule of a policy, as written; what its keys mean is in `EXAMPLE`."""

    name: str
    measure: str
    limit: Any
    axis: str = ""
    group: Names = EVERY
    condition: Names = EVERY
    backend: Names = EVERY
    ladder: Names = EVERY
    fail_if: Literal["proved worse"] | None = None
    require: Literal["proved good", "at least", "at most"] | None = None
    unjudged: Unjudged | None = None

    @property
    def asked(self) -> str:
        """What is asked of the bound."""
        return str(self.fail_if or self.require)


@dataclass(frozen=True)
class Policy:
    """Rules, the level that they are judged at and what they mean where a bound cannot be had.

    ``unjudged`` has no default: a policy says what it means. ``baseline`` is a run folder, relative to the policy;
    ``missing`` says whether a regression may be judged on what is left where the run lacks some of it.
    """

    unjudged: Unjudged
    rule: tuple[PolicyRule, ...]
    title: str = ""
    level: float = 0.95
    baseline: str = ""
    missing: Literal["unjudged", "allow"] = "unjudged"


@dataclass(frozen=True)
class Checked:
    """A rule with its measure, its limit as a number and where it is written."""

    rule: PolicyRule
    measure: Measure
    limit: Limit
    where: str


@dataclass(frozen=True)
class LoadedPolicy:
    """A policy file that is known to be good; ``digest`` is that of its bytes."""

    path: Path
    digest: str
    policy: Policy
    rules: tuple[Checked, ...]

    @property
    def baseline(self) -> Path | None:
        """The run folder that regressions are measured against, if the policy names one."""
        return self.path.parent / self.policy.baseline if self.policy.baseline else None


def load_policy(path: Path) -> LoadedPolicy:
    """Read a policy; raises CardError naming the file, the rule, what was found and what was expected."""
    values = read_toml(path)
    if not isinstance(values.get("rule", []), list):
        raise CardError(f"{path}: 'rule': found a table; expected rules that begin with [[rule]]")
    for number, rule in enumerate(values.get("rule", []), start=1):
        if isinstance(rule, dict):
            build(PolicyRule, rule, where=_where(path, rule, number))
    policy = build(Policy, values, where=str(path))
    if not 0.5 < policy.level < 1:
        raise CardError(
            f"{path}: 'level': found {policy.level:g}; expected a share above 0.5 and below 1, such as 0.95"
        )
    if not policy.rule:
        raise CardError(f"{path}: found no rule; expected at least one [[rule]]")
    checked = tuple(_check(rule, _where(path, vars(rule), k)) for k, rule in enumerate(policy.rule, start=1))
    names = [rule.name for rule in policy.rule]
    for name in names:
        if names.count(name) > 1:
            raise CardError(f"{path}: found two rules named '{name}'; expected different names")
    return LoadedPolicy(path=path, digest=digest(path), policy=policy, rules=checked)


def _where(path: Path, rule: dict[str, Any], number: int) -> str:
    name = rule.get("name")
    return f"{path}: rule {number}" + (f" '{name}'" if isinstance(name, str) else "")


def _check(rule: PolicyRule, where: str) -> Checked:
    if not rule.name.strip():
        raise CardError(f"{where}: 'name': found a blank; expected a name that reports can show")
    if (rule.fail_if is None) == (rule.require is None):
        found = "neither" if rule.fail_if is None else "both"
        raise CardError(f"{where}: found {found} of fail_if and require; expected one of them")
    measure = find_measure(rule.measure, where=f"{where}: 'measure'")
    if rule.asked not in measure.asked:
        ways = [f"fail_if = '{way}'" if way == "proved worse" else f"require = '{way}'" for way in measure.asked]
        raise CardError(f"{where}: found '{rule.asked}' for {rule.measure}; expected {' or '.join(ways)}")
    _check_selectors(rule, measure, where)
    limit = parse_limit(rule.limit, measure, rule.measure, where=f"{where}: 'limit'")
    return Checked(rule, measure, limit, where)


def _check_selectors(rule: PolicyRule, measure: Measure, where: str) -> None:
    """Raise CardError for a key that the measure has no use for, or an axis that is missing."""
    if measure.groups != "none" and not rule.axis:
        raise CardError(f"{where}: key 'axis' is missing; expected an axis of the run, or 'overall' for all speakers")
    useless = {
        "axis": measure.groups == "none" and rule.axis != "",
        "group": measure.groups in ("all", "none") and rule.group != EVERY,
        "condition": measure.table == "handicaps" and rule.condition != EVERY,
        "backend": measure.table == "misses" and rule.backend != EVERY,
        "ladder": measure.table != "handicaps" and rule.ladder != EVERY,
    }
    for key in (key for key, wrong in useless.items() if wrong):
        raise CardError(f"{where}: found '{key}', which {rule.measure} has no use for; expected a rule without it")
    for key in ("group", "condition", "backend", "ladder"):
        if not getattr(rule, key):
            raise CardError(f"{where}: '{key}': found nothing; expected names, or '{EVERY}'")
