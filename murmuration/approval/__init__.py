"""Approval by people, for any workflow: panels, votes, reminders, escalation, signed links, a page to decide on.

A workflow asks and waits:

    from murmuration.approval.seek_approval import seek_approval

    decision = await seek_approval(flow, 1, ApprovalRequest(
        title="Release notes",
        content=Content(text=notes),
        requester="carol@example.com",
        rules=ApprovalRules(panels=(Panel(approvers=("alice@example.com",)),)),
    ))

The app registers the gate's workflow, its two steps and its HTTP routes with `murmuration.deployment.register(app)`. It
needs the setting APPROVAL_SECRET, and for messages PUBLIC_URL and a mail server or a webhook. The classes above are in
`murmuration.contracts.approvals` and `.content`.

`seek_approval`, `approval_gate`, `collect_votes` and `gate_state` are pure: they run inside workflows. `web` is the
HTTP side. Nothing is imported here, so that a pure module can be imported without the HTTP side.
"""
