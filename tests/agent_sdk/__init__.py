"""Tests of agent_sdk."""
