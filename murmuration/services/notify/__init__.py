"""Messages to approvers: mail and webhooks."""
