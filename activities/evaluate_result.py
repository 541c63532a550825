"""Judges a draft: first by rules, which no evaluator can overrule, then by a model."""

from murmuration.contracts.answers import Evaluation, Verdict
from murmuration.contracts.replies import JudgementReply
from murmuration.policy.answer_rules import broken_rules
from murmuration.services.model.model import Model
from murmuration.services.storage.artifacts import Artifacts, get_text
from murmuration.services.storage.prompt_inputs import as_prompt, read_passages, resolve_references

MAX_SCORE_OF_BROKEN_RULES = 0.2
"""Divided by one more than the number of broken rules, so a draft that breaks fewer scores higher."""


async def evaluate_result(evaluation: Evaluation, model: Model, artifacts: Artifacts) -> Verdict:
    """Safe to run twice: it only reads and asks. No model is asked about a draft that breaks a rule."""
    draft = evaluation.draft
    answer = await get_text(artifacts, draft.answer)
    problems = (*draft.problems, *broken_rules(evaluation.rules, answer))
    if not answer.strip():
        problems = ("the answer is empty",)
    if problems:
        score = MAX_SCORE_OF_BROKEN_RULES / (1 + len(problems))
        changes = f"Change this: {'; '.join(problems)}"
        return Verdict(passed=False, score=score, reasons=problems, changes=changes)
    judgement = await model.ask(
        "evaluator",
        {
            "goal": evaluation.goal,
            "instruction": await resolve_references(artifacts, evaluation.instruction, evaluation.inserts),
            "answer": answer,
            "wishes": list(evaluation.wishes),
            "failed": [task.model_dump() for task in evaluation.failed],
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
