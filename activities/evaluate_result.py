"""Judges a draft: rules first, which no evaluator can overrule, then the model."""

from activities.material import read_passages, shown
from contracts.answers import Evaluation, Verdict
from contracts.replies import JudgementReply
from services.artifacts import Artifacts, get_text
from services.model import Model


async def evaluate_result(evaluation: Evaluation, model: Model, artifacts: Artifacts) -> Verdict:
    """Safe to run twice: it only reads and asks."""
    draft = evaluation.draft
    answer = await get_text(artifacts, draft.answer)
    if not answer.strip():
        reason = "the answer is empty"
        return Verdict(passed=False, score=0, reasons=(reason,), changes="Answer the instruction.")
    passages = await read_passages(artifacts, [draft.passages])
    judgement = await model.ask(
        "evaluator",
        {
            "goal": evaluation.goal,
            "instruction": evaluation.instruction,
            "answer": answer,
            "passages": shown(passages),
            "problems": list(draft.problems),
        },
        JudgementReply,
    )
    return Verdict(
        passed=judgement.passed and not draft.problems,
        score=min(1.0, max(0.0, judgement.score)),
        reasons=(*draft.problems, *judgement.reasons),
        changes=judgement.changes,
    )
