"""Judges a draft: rules first, which no evaluator can overrule, then the model."""

from murmuration.contracts.answers import Evaluation, Verdict
from murmuration.contracts.replies import JudgementReply
from murmuration.policy.answer_rules import broken_rules
from murmuration.services.model.model import Model
from murmuration.services.storage.artifacts import Artifacts, get_text
from murmuration.services.storage.prompt_inputs import as_prompt, read_passages, resolve_references

ABOVE_NOTHING = 0.2
"""The score of a draft that breaks rules is below this, and the lower the more it breaks: breaking fewer is better."""


async def evaluate_result(evaluation: Evaluation, model: Model, artifacts: Artifacts) -> Verdict:
    """Safe to run twice: it only reads and asks. No model is asked about a draft that breaks a rule."""
    draft = evaluation.draft
    answer = await get_text(artifacts, draft.answer)
    problems = (
        (*draft.problems, *broken_rules(evaluation.rules, answer)) if answer.strip() else ("the answer is empty",)
    )
    if problems:
        changes = f"Change this: {'; '.join(problems)}"
        return Verdict(passed=False, score=ABOVE_NOTHING / (1 + len(problems)), reasons=problems, changes=changes)
    judgement = await model.ask(
        "evaluator",
        {
            "goal": evaluation.goal,
            "instruction": await resolve_references(artifacts, evaluation.instruction, evaluation.inserts),
            "answer": answer,
            "passages": as_prompt(await read_passages(artifacts, [draft.passages])),
        },
        JudgementReply,
    )
    return Verdict(
        passed=judgement.passed,
        score=min(1.0, max(0.0, judgement.score)),
        reasons=tuple(judgement.reasons),
        changes=judgement.changes,
        plan_wrong=judgement.plan_wrong,
    )
