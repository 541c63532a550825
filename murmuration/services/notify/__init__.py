"""Messages to approvers, by mail and by webhook."""
