"""Categorize: conversations without a verdict get one."""
