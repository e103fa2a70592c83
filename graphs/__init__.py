"""The order of things: the review as a LangGraph state machine."""
